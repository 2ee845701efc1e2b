"""Neighbours of every atom of a batch of structures, centre after centre."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rfp_md.arrays import Floats, Ints
from rfp_md.compiled import compiled
from rfp_md.errors import GeometryError
from rfp_md.frames import Frames
from rfp_md.structures.cells import FARTHEST, check_geometry, completed

FEW_ATOMS = 100  # of a free molecule, whose pairs are all looked at
SAME_PLACE = 1e-3  # Å; below, the direction from one atom to the other is rounding

# What a search may look at: atoms in the boxes of one cutoff around each atom. Dense matter at a generous cutoff,
# diamond at 15 Å, has 16,000 of them for each atom; a second and a gigabyte go into 10⁷.
MOST_PER_ATOM, MOST_OF_FEW = 30_000, 10_000_000
MOST_BOXES = 100_000  # that vesin cuts space into


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
    """Find all pairs closer than ``cutoff``, Å.

    Raises:
        GeometryError: two atoms are at the same place, more pairs than can be looked at, or as ``check_geometry``.
    """
    if not frames.periodic and frames.n_atoms <= FEW_ATOMS:
        first, second, structure, vectors = _all_pairs(np.ascontiguousarray(frames.positions), cutoff)
    else:
        first, second, structure, vectors = _cell_lists(frames, cutoff)
    if (k := _touching(vectors, SAME_PLACE)) >= 0:
        raise GeometryError(
            f"{frames.source}: {name_pair(first[k], second[k])} of {frames.name(structure[k])} are at the same place"
        )
    counts = np.bincount(structure * frames.n_atoms + first, minlength=len(frames) * frames.n_atoms)
    return Neighbours(vectors, second, structure, np.concatenate([[0], np.cumsum(counts)]))


def name_pair(first: int, second: int) -> str:
    """Name two atoms in a message."""
    return f"atoms {first} and {second}" if first != second else f"atom {first} and its own periodic image"


def candidates(frames: Frames, cutoff: float) -> Floats:
    """Bound what a search for neighbours looks at in each structure (M,), without looking at any pair.

    vesin cuts space into boxes of one cutoff, or larger ones if they were too many, and lets each meet those around
    it; in a thin cell these are all images within the cutoff. Infinite where it would divide by no boxes at all.
    """
    periodic = np.array(frames.pbc)
    cells = np.eye(3)[None] if frames.cells is None else completed(frames.cells, frames.pbc)
    inverses = np.broadcast_to(np.linalg.inv(cells), (len(frames), 3, 3))
    heights = 1 / np.linalg.norm(inverses, axis=1)
    fractions = frames.positions @ inverses
    extents = np.where(periodic, heights, np.ptp(fractions, axis=1) * heights)
    boxes = np.maximum(extents // cutoff, 1.0)
    boxes *= np.minimum(np.cbrt(MOST_BOXES / boxes.prod(axis=1)), 1.0)[:, None]
    if (boxes < 1).any():
        return np.where((boxes < 1).any(axis=1), np.inf, 0.0)
    boxes = np.floor(boxes)
    with np.errstate(divide="ignore", invalid="ignore"):
        reach = np.where(extents > 0, np.maximum(np.ceil(cutoff * boxes / extents), 1.0), 1.0)
    around = np.where(periodic, 2 * reach + 1, 3.0).prod(axis=1)
    bound: Floats = np.maximum(float(frames.n_atoms) ** 2, boxes.prod(axis=1)) * around
    for m in np.flatnonzero(bound > MOST_OF_FEW):
        inside = fractions[m] - np.where(periodic, np.floor(fractions[m]), fractions[m].min(axis=0))
        size = np.where(periodic, 1.0, np.maximum(extents[m] / heights[m], 1e-9))
        filled = np.unique(np.floor(inside / size * boxes[m] * (1 - 1e-12)), axis=0, return_counts=True)[1]
        bound[m] = max(np.square(filled.astype(np.float64)).sum(), boxes[m].prod()) * around[m]
    return bound


def check_budget(frames: Frames, cutoff: float) -> None:
    """Raise GeometryError for a structure in which a search would look at too many pairs."""
    if not 0 < cutoff < FARTHEST:
        raise GeometryError(f"a cutoff of {cutoff:g} Å is none; it must be positive and below {FARTHEST:g} Å")
    bound = candidates(frames, cutoff)
    most = max(MOST_OF_FEW, MOST_PER_ATOM * frames.n_atoms)
    if (bound > most).any():
        m = int(bound.argmax())
        raise GeometryError(
            f"{frames.source}: {frames.name(m)} has more atoms and periodic images around each atom than can be "
            f"looked at with a cutoff of {cutoff:g} Å; its cell is too small, thin or skewed, its atoms are too dense "
            "or too far apart, or the cutoff is too large"
        )


@compiled()
def _touching(vectors: Floats, distance: float) -> int:
    """The first of vectors that is shorter than a distance, −1 for none."""
    for p in range(len(vectors)):
        x, y, z = vectors[p]
        if x * x + y * y + z * z < distance * distance:
            return p
    return -1


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

    check_geometry(frames)
    check_budget(frames, cutoff)
    finder = NeighborList(cutoff=cutoff, full_list=True, sorted=True)
    parts = []
    for m, positions in enumerate(frames.positions):
        cell = np.zeros((3, 3)) if frames.cells is None else frames.cells[m]
        i, j, vectors = finder.compute(positions, cell, list(frames.pbc), quantities="ijD")
        parts.append((i.astype(np.int64), j.astype(np.int64), np.full(len(i), m), vectors))
    first, second, structure, apart = (np.concatenate(part) for part in zip(*parts, strict=True))
    return first, second, structure, apart
