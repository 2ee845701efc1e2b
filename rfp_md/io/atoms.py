"""``Frames`` from ASE's ``Atoms`` and back: the one place that says what of either the other keeps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from ase import Atoms

from rfp_md.arrays import Floats, Ints
from rfp_md.frames import Frames


def to_atoms(frames: Frames, k: int = 0) -> Atoms:
    """Make ASE's Atoms of the structure k of some frames: elements, positions, cell and boundaries, no labels."""
    cell = None if frames.cells is None else frames.cells[k]
    return Atoms(frames.numbers, frames.positions[k], cell=cell, pbc=frames.pbc)


def from_atoms(images: Sequence[Atoms], *, source: str = "the atoms", places: Ints | None = None) -> Frames:
    """Make Frames without labels of ASE's Atoms; a cell counts only where it is periodic.

    Args:
        images: M structures of the same elements in the same order, with the same boundaries.
        source: what they are called in messages.
        places: which frame of its file each is (M,).

    Raises:
        UserError: a number that is not finite.
    """
    first = images[0]
    return Frames(
        numbers=first.numbers.astype(np.int64),
        positions=np.array([atoms.positions for atoms in images]),
        cells=np.array([atoms.cell.array for atoms in images]) if first.pbc.any() else None,
        pbc=tuple(bool(axis) for axis in first.pbc),  # type: ignore[arg-type]
        places=places,
        source=source,
    )


def stress_of(virial: Floats, atoms: Atoms) -> Floats | None:
    """Convert a virial (..., 3, 3), eV, to ASE's stress (..., 6), eV/Å³; None of atoms that fill no volume."""
    from ase.stress import full_3x3_to_voigt_6_stress

    if not atoms.pbc.any() or atoms.cell.rank < 3:
        return None
    stress: Floats = full_3x3_to_voigt_6_stress(-virial / atoms.get_volume())
    return stress
