"""How a LAMMPS input begins, for tests."""

from tests.conftest import ROOT

# Benzene, and no forces yet.
START = ["units metal", f"read_data {ROOT}/examples/lammps/data.benzene", "pair_style zero 5.0", "pair_coeff * *"]
