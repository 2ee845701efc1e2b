"""Neighbours of every atom of a batch of structures, centre after centre."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rfp_md.arrays import Floats, Ints
from rfp_md.compiled import compiled
from rfp_md.errors import UserError
from rfp_md.frames import Frames

FEW_ATOMS = 100  # of a free molecule, whose pairs are all looked at


@dataclass(frozen=True, eq=False)
class Neighbours:
    """P neighbours of the M·N atoms of M structures.

    Attributes:
        vectors: r_j − r_i with periodic images (P, 3), Å.
        atoms: j (P,), and ``frames``, the structure of each (P,).
        offsets: where the neighbours of each atom start, and P (M·N + 1,).
    """

    vectors: Floats
    atoms: Ints
    frames: Ints
    offsets: Ints

    @property
    def centres(self) -> Ints:
        """Say which atom each is a neighbour of, counted through all structures (P,)."""
        return np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))


def neighbours(frames: Frames, cutoff: float) -> Neighbours:
    """Find all pairs closer than ``cutoff``, Å. Raises UserError where two atoms are at the same place."""
    if not frames.periodic and frames.n_atoms <= FEW_ATOMS:
        first, second, structure, vectors = _all_pairs(np.ascontiguousarray(frames.positions), cutoff)
    else:
        first, second, structure, vectors = _cell_lists(frames, cutoff)
    touching = np.flatnonzero(~vectors.any(axis=1))
    if len(touching):
        k = touching[0]
        raise UserError(
            f"{frames.source}: atoms {first[k]} and {second[k]} of frame {structure[k]} are at the same place"
        )
    counts = np.bincount(structure * frames.n_atoms + first, minlength=len(frames) * frames.n_atoms)
    return Neighbours(vectors, second, structure, np.concatenate([[0], np.cumsum(counts)]))


@compiled()
def _all_pairs(positions: Floats, cutoff: float) -> tuple[Ints, Ints, Ints, Floats]:
    """Centre, neighbour, structure and vector of every pair, in this order of importance: structure, centre."""
    n_frames, n_atoms, _ = positions.shape
    most = n_frames * n_atoms * (n_atoms - 1)
    first, second, structure = np.empty(most, np.int64), np.empty(most, np.int64), np.empty(most, np.int64)
    vectors = np.empty((most, 3))
    k = 0
    for m in range(n_frames):
        for i in range(n_atoms):
            for j in range(n_atoms):
                if i != j:
                    d = positions[m, j] - positions[m, i]
                    if d[0] * d[0] + d[1] * d[1] + d[2] * d[2] < cutoff * cutoff:
                        first[k], second[k], structure[k], vectors[k] = i, j, m, d
                        k += 1
    return first[:k], second[:k], structure[:k], vectors[:k]


def _cell_lists(frames: Frames, cutoff: float) -> tuple[Ints, Ints, Ints, Floats]:
    """The same by vesin, linear in the number of atoms."""
    from vesin import NeighborList

    finder = NeighborList(cutoff=cutoff, full_list=True, sorted=True)
    parts = []
    for m, positions in enumerate(frames.positions):
        cell = np.zeros((3, 3)) if frames.cells is None else frames.cells[m]
        i, j, vectors = finder.compute(positions, cell, list(frames.pbc), quantities="ijD")
        parts.append((i.astype(np.int64), j.astype(np.int64), np.full(len(i), m), vectors))
    first, second, structure, apart = (np.concatenate(part) for part in zip(*parts, strict=True))
    return first, second, structure, apart
