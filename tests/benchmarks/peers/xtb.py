"""GFN2-xTB by tblite through ASE: no fit, and the cost of a semi-empirical electronic structure.

Its energies have another zero, so that the mean of their errors is taken off. Its forces are not meant to be those of
the density functional behind rMD17.
"""

from __future__ import annotations

from typing import Any

from ase import Atoms
from tblite.ase import TBLite

from tests.benchmarks.peers.measure import EV, Compute, Floats, Molecule, arguments, judge, report


def compute(numbers: Any, cell: Floats | None = None) -> Compute:
    atoms = Atoms(numbers, cell=cell, pbc=cell is not None)
    atoms.calc = TBLite(method="GFN2-xTB", verbosity=0)

    def call(positions: Floats) -> tuple[float, Floats]:
        atoms.positions = positions
        return atoms.get_potential_energy(), atoms.get_forces()

    return call


def main() -> None:
    options = arguments(__doc__).parse_args()
    test = Molecule.read(options.test)[: options.test_frames]
    row = judge(compute(test.numbers), test, EV, shift=True)
    report({"frames": 0, "fit_s": 0.0, **row, "settings": "GFN2-xTB"}, "tblite", "numpy")


if __name__ == "__main__":
    main()
