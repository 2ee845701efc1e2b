"""Shared fixtures: the embedded data, the optional reference data, and small models, made once for all workers."""

from __future__ import annotations

import os

# Before numpy is imported, and for every program that a test starts: the workers are as many as there are cores.
if "PYTEST_XDIST_WORKER" in os.environ:
    for library in ("OPENBLAS", "OMP", "MKL", "NUMBA", "RAYON"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")

import fcntl
import shutil
import subprocess
import venv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

import rfp_md
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


# Those of ten seconds and more, apart from what needs the environment.
LONGEST = (
    "test_rmd17_ethanol_trains_evaluates_and_runs_in_ipi",
    "test_every_installed_plugin_conforms[descriptor-soap]",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, and in one worker what needs the environment, so that none is alone at the end or waits."""

    def place(item: pytest.Item) -> int:
        if "environment" in getattr(item, "fixturenames", ()):
            return 0
        return 1 if item.name in LONGEST else 2

    items.sort(key=place)


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """The folder of a name, filled by the first worker that asks for it; the others wait and find it."""
    base = factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / f"shared-{name}"
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "done").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            (folder / "done").touch()
    return folder


def own_copy(factory: pytest.TempPathFactory, file: Path) -> Path:
    """A worker's own, for a test may write into it what a check found."""
    return Path(shutil.copy(file, factory.mktemp(file.stem)))


@pytest.fixture(scope="session")
def ethanol() -> Frames:
    """600 frames of ethanol at GFN2-xTB."""
    return rfp_md.read(ETHANOL).blocks[0]


@pytest.fixture(scope="session")
def model(ethanol: Frames, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small ethanol potential as a file, trained in a few seconds."""

    def train(folder: Path) -> None:
        term = "inverse_distances:fragment=0,width=600"
        rfp_md.train(Dataset((ethanol[:200],)), output=folder / "ethanol.rfp", descriptor=[term])

    return own_copy(tmp_path_factory, made_once(tmp_path_factory, "ethanol", train) / "ethanol.rfp")


@pytest.fixture(scope="session")
def potential(model: Path) -> Potential:
    """The same in memory."""
    return rfp_md.load(model)


@pytest.fixture(scope="session")
def mpi():
    """MPI is ended when all is done, or its shared memory stays behind."""
    yield
    open_lammps("-log", "none", "-screen", "none").finalize()


@pytest.fixture(scope="session")
def benzene_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small benzene potential as a file."""

    def train(folder: Path) -> None:
        frames = rfp_md.read(BENZENE).blocks[0]
        term = "inverse_distances:width=600"
        rfp_md.train(Dataset((frames[:200],)), output=folder / "benzene.rfp", descriptor=[term])

    return own_copy(tmp_path_factory, made_once(tmp_path_factory, "benzene", train) / "benzene.rfp")


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
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of a fresh environment with rfp-md and one generated plugin of each kind."""
    return made_once(tmp_path_factory, "plugins", install_plugins) / "venv/bin"


def install_plugins(root: Path) -> None:
    kinds = {"atom_density": "descriptor", "my_sines": "regressor", "soft_walls": "baseline"}
    packages = [new_plugin(name, kind, root) for name, kind in kinds.items()]
    venv.create(root / "venv", with_pip=True)
    options = ("--quiet", "--disable-pip-version-check", "--no-compile")  # what is imported is compiled then
    run(root / "venv/bin/pip", "install", *options, ROOT, *packages, "pytest")
