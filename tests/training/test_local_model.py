"""What the preset makes of crystals, clusters and molecules, and when small fits change it."""

from dataclasses import replace

import numpy as np
import pytest
from ase.build import bulk

import rfp_md
from rfp_md.frames import Dataset, Frames
from rfp_md.io.atoms import from_atoms
from rfp_md.training import local_model
from rfp_md.training.local_model import FARTHEST, NEAREST, LocalModel, thirtieth_neighbour
from rfp_md.training.presets import MATERIAL, MOLECULE, preset_for
from tests.baselines.pairs import LennardJones
from tests.heard import Heard


def crystal(symbol, structure, a, n=12):
    """Rattled supercells with the labels of a pair potential."""
    rng, atoms = np.random.default_rng(0), bulk(symbol, structure, a=a, cubic=True).repeat(2)
    frames = from_atoms([atoms])
    positions = frames.positions + 0.06 * rng.standard_normal((n, frames.n_atoms, 3))
    frames = Frames(frames.numbers, positions, cells=np.repeat(frames.cells, n, axis=0), pbc=frames.pbc)
    said = LennardJones(depth=0.3, distance=2.6).compute(frames)
    return Dataset((replace(frames, energies=said.energies, forces=said.forces),))


@pytest.mark.parametrize(
    ("symbol", "structure", "a"), [("Si", "diamond", 5.43), ("Mo", "bcc", 3.15), ("Cu", "fcc", 3.6)]
)
def test_a_dense_crystal_is_looked_at_farther_than_an_open_one(symbol, structure, a):
    dataset = crystal(symbol, structure, a)
    cutoff = thirtieth_neighbour(dataset)
    density = dataset.blocks[0].n_atoms / dataset.blocks[0].volumes[0]
    assert cutoff == pytest.approx((3 * 30 / (4 * np.pi * density)) ** (1 / 3), rel=0.12)
    model = LocalModel.of(dataset)
    assert model.condensed
    assert model.components == 100
    assert "body_order=4" in model.text


def test_molecules_are_condensed(ethanol):
    model = LocalModel.of(Dataset((ethanol[:20],)))
    assert (model.cutoff, model.condensed, model.components) == (FARTHEST, False, 200)


def test_one_molecule_is_a_material(ethanol):
    one = Dataset((ethanol[:20],))
    several = Dataset((ethanol[:20], Frames(np.array([8, 1]), np.zeros((1, 2, 3)))))
    assert preset_for("accurate", one) is MOLECULE["accurate"]
    assert preset_for("accurate", several) is MATERIAL["accurate"]
    assert preset_for("accurate", crystal("Si", "diamond", 5.43, 2)) is MATERIAL["accurate"]


@pytest.mark.parametrize(("errors", "expected"), [([1.0, 0.97], 5.0), ([1.0, 0.8, 0.9], 4.0), ([1.0, 0.8, 0.6], 3.2)])
def test_a_shorter_cutoff_is_taken_for_nothing(monkeypatch, errors, expected):
    left = iter(errors)
    search = local_model._Search(None, None, Heard())
    monkeypatch.setattr(local_model._Search, "_score", lambda self, model: next(left))
    assert search.best(LocalModel(5.0, 100, condensed=True)).cutoff == expected
    assert expected >= NEAREST


def test_a_fit_does_not_say_what_it_tried(monkeypatch):
    monkeypatch.setattr(local_model, "TRIED_WIDTH", 40)
    heard, dataset = Heard(), crystal("Si", "diamond", 5.43)
    potential = rfp_md.train(dataset, width=60, progress=heard)
    tried = potential.record["search"]
    assert len(tried) >= 2
    assert potential.descriptors[0].cutoff == pytest.approx(LocalModel.of(dataset).cutoff, rel=0.5)
    assert sum("cutoff" in line for line in heard.lines) == len(tried) + 1
    assert "search" not in rfp_md.train(dataset, width=60, descriptor=["many_body:cutoff=4,components=10"]).record
