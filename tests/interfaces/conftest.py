"""A benzene model, and the end of MPI: what tests with LAMMPS share."""

import pytest

import rfp_md
from rfp_md.artifact import save
from rfp_md.frames import Dataset
from rfp_md.interfaces.lammps import open_lammps
from tests.conftest import BENZENE


@pytest.fixture(scope="session")
def mpi():
    """MPI is ended when all is done, or its shared memory stays behind."""
    yield
    open_lammps("-log", "none", "-screen", "none").finalize()


@pytest.fixture(scope="session")
def benzene_model(tmp_path_factory):
    frames = rfp_md.read(BENZENE).blocks[0]
    potential = rfp_md.train(Dataset((frames[:200],)), descriptor=["inverse_distances:width=600"])
    path = tmp_path_factory.mktemp("benzene") / "benzene.rfp"
    save(potential, path)
    return path
