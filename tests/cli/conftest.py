"""A benzene model, and the end of MPI, as tests of the interfaces have them."""

from tests.interfaces.conftest import benzene_model as benzene_model
from tests.interfaces.conftest import mpi as mpi
