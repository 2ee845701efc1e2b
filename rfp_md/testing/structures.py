"""The structures that descriptors are tried on: a molecule, a crystal, and the smallest systems."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from ase import Atoms

from rfp_md.arrays import Floats
from rfp_md.frames import Frames
from rfp_md.io.atoms import from_atoms

RATTLE = 0.05  # Å


def molecule(n_frames: int = 4, seed: int = 0) -> Frames:
    """Rattled ethanol, n_frames structures."""
    from ase.build import molecule

    return _rattled(molecule("CH3CH2OH"), n_frames, seed)


def crystal(n_frames: int = 3, seed: int = 0) -> Frames:
    """Two atoms of silicon in their skewed primitive cell, rattled: most neighbours are images."""
    from ase.build import bulk

    return _rattled(bulk("Si", "diamond", a=5.43), n_frames, seed)


def pair(distance: float) -> Frames:
    """A molecule of two hydrogen atoms, their distance in Å."""
    return Frames(np.array([1, 1]), np.array([[[0.0, 0.0, 0.0], [0.0, 0.0, distance]]]), source="H2")


def atom() -> Frames:
    """A single hydrogen atom."""
    return Frames(np.array([1]), np.zeros((1, 1, 3)), source="H")


def moved(frames: Frames, positions: Floats) -> Frames:
    """The same atoms at other positions, labels and cells as they were."""
    return replace(frames, positions=positions)


def _rattled(atoms: Atoms, n_frames: int, seed: int) -> Frames:
    rng = np.random.default_rng(seed)
    frames = from_atoms([atoms], source=str(atoms.symbols))
    return frames.at(frames.positions + RATTLE * rng.standard_normal((n_frames, len(atoms), 3)))
