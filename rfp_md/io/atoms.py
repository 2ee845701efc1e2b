"""``Frames`` as ASE's ``Atoms``."""

from __future__ import annotations

from ase import Atoms

from rfp_md.frames import Frames


def to_atoms(frames: Frames) -> Atoms:
    """The first of some frames as ASE's Atoms."""
    cell = None if frames.cells is None else frames.cells[0]
    return Atoms(frames.numbers, frames.positions[0], cell=cell, pbc=frames.pbc)
