"""The structure of an i-PI input, written into it, so that it needs no second file."""

from __future__ import annotations

import numpy as np

from rfp_md.arrays import Floats
from rfp_md.frames import Frames
from rfp_md.structures.cells import surrounded

VACUUM = 100.0  # Å around a free molecule or a slab; i-PI wants a cell, the model does not look at it

STRUCTURE = """\
    <beads natoms="{atoms}" nbeads="{beads}">
      <q units="angstrom" shape="({beads}, {coordinates})"> [
        {positions} ] </q>{momenta}
      <m units="dalton"> [ {masses} ] </m>
      <names> [ {names} ] </names>
    </beads>
    <cell units="angstrom" shape="(3, 3)"> [ {cell} ] </cell>"""


MOMENTA = """
      <p shape="(1, {coordinates})"> [
        {momenta} ] </p>"""


def beads_and_cell(frames: Frames, beads: int, momenta: Floats | None = None) -> str:
    """Write the first of some frames, once for each bead, in its cell, turned to upper triangular, or in an empty one.

    Args:
        momenta: of its atoms (N, 3), ASE's units, of a single bead.
    """
    from ase.data import atomic_masses, chemical_symbols

    from rfp_md.io.atoms import to_atoms

    atoms = to_atoms(frames)
    if not frames.periodic:
        atoms.cell = np.full(3, np.ceil(np.ptp(atoms.positions, axis=0).max()) + VACUUM)
        atoms.positions -= atoms.positions.mean(axis=0)
    elif not frames.fills_space:
        atoms.cell = surrounded(frames, VACUUM)[0]
    if momenta is not None:
        atoms.set_momenta(momenta)
    turn = np.linalg.inv(atoms.cell.array)
    atoms.set_cell(atoms.cell.cellpar(), scale_atoms=True)
    turn = turn @ atoms.cell.array
    line = ",\n        "
    bead = (line if beads == 1 else ", ").join(", ".join(f"{x:.10f}" for x in r) for r in atoms.positions)
    return STRUCTURE.format(
        atoms=len(atoms),
        beads=beads,
        coordinates=3 * len(atoms),
        positions=line.join([bead] * beads),
        momenta="" if momenta is None else _momenta(atoms.get_momenta() @ turn, line),
        masses=", ".join(f"{atomic_masses[number]:.12g}" for number in atoms.numbers),
        names=", ".join(chemical_symbols[number] for number in atoms.numbers),
        cell=", ".join(f"{x:.12g}" for x in atoms.cell.array.T.ravel()),
    )


def _momenta(momenta: Floats, line: str) -> str:
    """In atomic units, mₑ a₀ Eₕ / ħ."""
    from ase import units

    atomic = momenta * (units._amu / units._me) / (units.Bohr / units.AUT)
    return MOMENTA.format(
        coordinates=atomic.size, momenta=line.join(", ".join(f"{p:.14e}" for p in row) for row in atomic)
    )
