import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from rfp_featomic.soap import Soap

import rfp_md
from rfp_md.frames import Dataset, Frames
from rfp_md.structures.strain import strained
from rfp_md.testing import check_descriptor

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def data():
    folder = Path(os.environ.get("RFP_DATA", ROOT / "../shared/data"))
    if not folder.is_dir():
        pytest.skip(f"no reference data at {folder}; set RFP_DATA")
    return folder


@pytest.mark.slow  # tests/testing asks the same of its defaults
def test_it_conforms():
    check_descriptor(Soap(max_radial=2, max_angular=2))


def test_it_is_found_through_its_entry_point():
    result = subprocess.run(
        [sys.executable, "-m", "rfp_md.cli", "plugins", "show", "soap", "--json"], capture_output=True, text=True
    )
    assert json.loads(result.stdout)[0]["name"] == "soap"


@pytest.mark.slow
def test_ethanol_learns_with_it_beside_the_global_term(tmp_path):
    potential = rfp_md.train(
        f"{ROOT}/examples/data/ethanol_gfn2.extxyz@:120",
        output=tmp_path / "model.rfp",
        descriptor=["soap:max_radial=2,max_angular=2,width=300", "inverse_distances:width=300"],
    )
    unseen = rfp_md.read(f"{ROOT}/examples/data/ethanol_gfn2.extxyz@500:").blocks[0]
    forces = rfp_md.load(tmp_path / "model.rfp").compute(unseen).forces
    assert np.abs(forces - unseen.forces).mean() < 0.06 * unseen.forces.std()
    assert potential.fixed_composition


def test_silicon_learns_energies_forces_and_stresses(data):
    potential = rfp_md.train(
        f"{data}/silicon/si_train.xyz@0:214:6", descriptor=["soap:cutoff=5,max_radial=3,max_angular=3,width=400"]
    )
    assert not potential.fixed_composition
    frames = rfp_md.read(f"{data}/silicon/si_test.xyz").blocks[0]
    prediction = potential.compute(frames)
    stresses = -prediction.virials / np.abs(np.linalg.det(frames.cells))[:, None, None]
    per_atom = (prediction.energies - frames.energies) / frames.n_atoms
    assert np.abs(per_atom).mean() < 0.05
    assert np.abs(prediction.forces - frames.forces).mean() < 0.3
    assert np.abs(stresses - frames.stresses).mean() < 0.01


def test_slabs_without_a_third_vector_have_the_virials_of_their_strains():
    rng = np.random.default_rng(0)
    numbers, cell = np.full(4, 29), np.diag([4.0, 4.0, 0.0])
    grid = np.array([[0, 0, 0], [2, 2, 0], [0, 2, 2], [2, 0, 2.0]])
    slab = Frames(numbers, (grid + 0.1 * rng.normal(size=(4, 3)))[None], cells=cell[None], pbc=(True, True, False))
    soap = Soap(max_radial=2, max_angular=2)
    soap.fit(Dataset((slab,)))
    weights, step = rng.normal(size=soap.values(slab).shape), 1e-5
    strain = np.zeros((3, 3))
    strain[2, 0] = step
    up, down = ((weights * soap.values(strained(slab, sign * strain))).sum() for sign in (1, -1))
    assert soap.pullback(slab, weights)[0, 4 + 2, 0] == pytest.approx((up - down) / (2 * step), rel=1e-5)
