"""Shared fixtures: the embedded data, the optional reference data, and one small trained model."""

from __future__ import annotations

import os
import subprocess
import venv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

import rfp_md
from rfp_md.artifact import save
from rfp_md.frames import Dataset, Frames
from rfp_md.interfaces.lammps import open_lammps
from rfp_md.plugins.scaffold import new_plugin
from rfp_md.potential import Potential

# No test may fail on how fast a machine is.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

ROOT = Path(__file__).parents[1]
BENZENE = ROOT / "examples/data/benzene_gfn2.extxyz"
ETHANOL = ROOT / "examples/data/ethanol_gfn2.extxyz"


@pytest.fixture(scope="session")
def ethanol() -> Frames:
    """600 frames of ethanol at GFN2-xTB."""
    return rfp_md.read(ETHANOL).blocks[0]


@pytest.fixture(scope="session")
def potential(ethanol: Frames) -> Potential:
    """A small ethanol potential, trained in a few seconds."""
    return rfp_md.train(Dataset((ethanol[:200],)), descriptor=["inverse_distances:fragment=0,width=600"])


@pytest.fixture(scope="session")
def model(potential: Potential, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small ethanol potential as a file."""
    path = tmp_path_factory.mktemp("model") / "ethanol.rfp"
    save(potential, path)
    return path


@pytest.fixture(scope="session")
def mpi():
    """MPI is ended when all is done, or its shared memory stays behind."""
    yield
    open_lammps("-log", "none", "-screen", "none").finalize()


@pytest.fixture(scope="session")
def benzene_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small benzene potential as a file."""
    frames = rfp_md.read(BENZENE).blocks[0]
    potential = rfp_md.train(Dataset((frames[:200],)), descriptor=["inverse_distances:width=600"])
    path = tmp_path_factory.mktemp("benzene") / "benzene.rfp"
    save(potential, path)
    return path


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The reference data, or a skip with the reason."""
    folder = Path(os.environ.get("RFP_DATA", ROOT / "../shared/data"))
    if not folder.is_dir():
        pytest.skip(f"no reference data at {folder}; set RFP_DATA")
    return folder


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def run(*command, **options) -> str:
    """What a command prints; it must succeed."""
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, **options)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture(scope="session")
def environment(tmp_path_factory):
    """The folder of programs of a fresh environment with rfp-md and one generated plugin of each kind."""
    root = tmp_path_factory.mktemp("plugins")
    kinds = {"atom_density": "descriptor", "my_sines": "regressor", "soft_walls": "baseline"}
    packages = [new_plugin(name, kind, root) for name, kind in kinds.items()]
    venv.create(root / "venv", with_pip=True)
    programs = root / "venv/bin"
    run(programs / "pip", "install", "--quiet", "--disable-pip-version-check", ROOT, *packages, "pytest")
    return programs
