"""A structure with what its calculator says of it, as extxyz."""

from __future__ import annotations

import contextlib
import io
from typing import Any

from ase import Atoms
from ase.calculators.calculator import PropertyNotImplementedError
from ase.calculators.singlepoint import SinglePointCalculator


def labelled(atoms: Atoms, info: dict[str, Any]) -> str:
    """A frame in extxyz: the atoms with energy (eV), forces (eV/Å) and, in a cell, stress (eV/Å³) if there is one.

    Args:
        atoms: with their calculator.
        info: what the frame's comment line says besides.
    """
    from ase.io import write

    frame = Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=atoms.pbc, info=info)
    # Where electrons are smeared, the forces are the gradient of the free energy.
    smeared = "free_energy" in getattr(atoms.calc, "implemented_properties", ())
    labels = {"energy": atoms.get_potential_energy(force_consistent=smeared), "forces": atoms.get_forces()}
    if atoms.pbc.any() and atoms.cell.rank == 3:
        with contextlib.suppress(PropertyNotImplementedError):
            labels["stress"] = atoms.get_stress()
    frame.calc = SinglePointCalculator(frame, **labels)
    text = io.StringIO()
    write(text, frame, format="extxyz")
    return text.getvalue()
