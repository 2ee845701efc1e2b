"""Fingerprints of frames, by which a frame is known again, bit for bit, moved as a whole or with like atoms exchanged.

    digest        of species, positions and cell, bit for bit
    composition   of the species, whatever their order; order: in their order
    labelled      all interatomic distances (and lengths of the cell), projected onto a few random directions, so
                  that |labelled − labelled′| is about the root mean square of the distances' differences, Å
    sorted        the same of the distances in ascending order for each pair of elements
    step          of the trajectory, −1 where it is not known

Distances do not see motions of the whole.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rfp_md.arrays import Floats, Ints
from rfp_md.frames import Dataset, Frames, frame_bytes
from rfp_md.structures.cells import check_geometry, completed
from rfp_md.structures.minimum_image import rounded_images

DIRECTIONS = 16
MOST_ATOMS = 1000  # whose distances are looked at, evenly spread over a larger structure: all of 20,000 take 25 GB
CHUNK_NUMBERS = 4_000_000


@dataclass(frozen=True, eq=False)
class Fingerprints:
    """Fingerprints of M frames: digests, compositions, orders, steps (M,), labelled and sorted distances (M, 16)."""

    digests: Ints
    compositions: Ints
    orders: Ints
    labelled: Floats
    sorted: Floats
    steps: Ints

    @classmethod
    def of(cls, dataset: Dataset) -> Fingerprints:
        """Make the fingerprints of all frames, in their order. Raises GeometryError as ``check_geometry``."""
        for block in dataset:
            check_geometry(block)
        parts = [_of_block(block) for block in dataset]
        return cls(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))

    @classmethod
    def from_state(cls, state: dict[str, NDArray[Any]]) -> Fingerprints | None:
        """Take fingerprints from what ``vars`` of them gave; None where there is nothing."""
        return cls(**state) if state else None

    def __len__(self) -> int:
        return len(self.digests)


def _of_block(frames: Frames) -> tuple[Ints, Ints, Ints, Floats, Floats, Ints]:
    digests = [_hash(part) for part in frame_bytes(frames)]
    composition, order = _hash(np.sort(frames.numbers).tobytes()), _hash(frames.numbers.tobytes())
    steps = np.full(len(frames), -1, dtype=np.int64) if frames.steps is None else frames.steps
    ones = np.ones(len(frames), dtype=np.int64)
    return np.array(digests), composition * ones, order * ones, *_shapes(frames), steps


def _hash(data: bytes) -> int:
    return int.from_bytes(hashlib.sha256(data).digest()[:8], "little", signed=True)


def _shapes(frames: Frames) -> tuple[Floats, Floats]:
    """Distances as they are and sorted, each projected to (M, 16) such that norms are root mean squares."""
    chosen = np.unique(np.linspace(0, frames.n_atoms - 1, min(frames.n_atoms, MOST_ATOMS)).astype(np.int64))
    first, second = chosen[np.stack(np.triu_indices(len(chosen), 1))]
    elements = np.sort(frames.numbers[np.stack([first, second])], axis=0)
    by_kind = np.lexsort(elements)  # one order of columns for every order of the atoms
    kinds = np.unique(elements[:, by_kind], axis=1, return_inverse=True)[1].reshape(-1)
    edges = np.flatnonzero(np.diff(kinds)) + 1
    n_columns = len(first) + (6 if frames.periodic else 0)
    shapes = np.zeros((2, len(frames), DIRECTIONS))
    if n_columns == 0:
        return shapes[0], shapes[1]
    directions = _directions(n_columns)
    size = max(1, CHUNK_NUMBERS // n_columns)
    for start in range(0, len(frames), size):
        part = frames[start : start + size]
        apart = part.positions[:, first] - part.positions[:, second]
        lattice = np.zeros((len(part), 0))
        if part.cells is not None and part.periodic:
            # Not always the shortest image, but the same in every copy of a frame, as files have it.
            apart = rounded_images(apart, completed(part.cells, part.pbc), part.pbc)
            sides = np.concatenate([part.cells, part.cells + np.roll(part.cells, 1, axis=1)], axis=1)
            lattice = np.linalg.norm(sides, axis=2)
        distances = np.linalg.norm(apart, axis=2)
        ordered = [np.sort(kind, axis=1) for kind in np.split(distances[:, by_kind], edges, axis=1)]
        for k, columns in enumerate(([distances], ordered)):
            shapes[k, start : start + size] = np.concatenate([*columns, lattice], axis=1) @ directions
    return shapes[0], shapes[1]


def _directions(n_columns: int) -> Floats:
    """Orthonormal directions (n, 16), scaled; always the same, so that files made apart can be compared."""
    if n_columns <= DIRECTIONS:
        return np.asarray(np.eye(n_columns, DIRECTIONS) / np.sqrt(n_columns))
    random = np.random.default_rng(n_columns).standard_normal((n_columns, DIRECTIONS))
    directions: Floats = np.linalg.qr(random)[0] / np.sqrt(DIRECTIONS)
    return directions
