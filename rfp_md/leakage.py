"""Are the frames that judge a model among those that made it? Exact, near and adjacent copies.

A test frame that repeats a training frame measures memory, not prediction. Frames are compared by
fingerprints, which a model file keeps of all frames that it was fitted to:

    digest        of species, positions and cell, bit for bit
    composition   of the species, whatever their order; order: in their order
    labelled      all interatomic distances (and lengths of the cell), projected onto a few random directions, so
                  that |labelled − labelled′| is about the root mean square of the distances' differences, Å
    sorted        the same of the distances in ascending order for each pair of elements
    step          of the trajectory, −1 where it is not known

Distances do not see motions of the whole. Near are frames whose labelled distances are, or, in any order of
like atoms, frames whose sorted distances are the same to rounding: sorted distances of *different* frames are
too alike to say more.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rfp_md.errors import UserError
from rfp_md.frames import Dataset, Floats, Frames, Ints, frame_bytes

NEAR = 0.01  # Å; thermal motion is ten times larger
SAME = 1e-4  # Å; of sorted distances, whatever the order of like atoms
ADJACENT_STEPS = 5
ADJACENT_DISTANCE = 0.3  # Å; farther apart, equal step numbers are of different trajectories
MANY = 0.2  # share of adjacent frames that is a leak: the official rMD17 splits have up to a tenth
DIRECTIONS = 16
CHUNK_NUMBERS = 4_000_000


@dataclass(frozen=True, eq=False)
class Fingerprints:
    """Of M frames: digests, compositions, orders and steps (M,), labelled and sorted distances (M, 16)."""

    digests: Ints
    compositions: Ints
    orders: Ints
    labelled: Floats
    sorted: Floats
    steps: Ints

    @classmethod
    def of(cls, dataset: Dataset) -> Fingerprints:
        parts = [_of_block(block) for block in dataset]
        return cls(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))

    @classmethod
    def from_state(cls, state: dict[str, NDArray[Any]]) -> Fingerprints | None:
        """As ``vars`` of one gave it; None where there is nothing."""
        return cls(**state) if state else None

    def __len__(self) -> int:
        return len(self.digests)


@dataclass(frozen=True)
class Leakage:
    """How many of the judging frames are known from the training.

    Attributes:
        exact: repeat a training frame bit for bit.
        near: do not, but are within 0.01 Å of one (root mean square of the interatomic distances), or are one with
            like atoms in another order.
        adjacent: are within five steps of one in its trajectory; None where no steps are known.
        nearest: median distance to the nearest training frame, Å; None without one of the same atoms.
    """

    n_train: int
    n_test: int
    exact: int
    near: int
    adjacent: int | None
    nearest: float | None

    @property
    def leaks(self) -> bool:
        """Whether errors on these frames flatter a model: any copy, or many neighbours in time."""
        return self.exact + self.near > 0 or (self.adjacent or 0) > MANY * self.n_test

    @property
    def summary(self) -> str:
        """One line."""
        found = []
        if self.exact:
            found.append(f"{self.exact} repeat a training frame exactly")
        if self.near:
            found.append(f"{self.near} are within {NEAR:g} Å of one")
        if self.adjacent:
            found.append(f"{self.adjacent} are within {ADJACENT_STEPS} steps of one")
        return f"of {self.n_test} frames, " + ", ".join(found) if found else "none found"

    def as_dict(self) -> dict[str, Any]:
        return {
            "leaks": self.leaks,
            "exact": self.exact,
            "near": self.near,
            "adjacent": self.adjacent,
            "median_nearest_angstrom": self.nearest,
            "summary": self.summary,
        }


def audit_files(
    train: str | Path,
    test: str | Path,
    *,
    energy_unit: str | None = None,
    force_unit: str | None = None,
    length_unit: str | None = None,
) -> Leakage:
    """Compare the frames of two files; ``train`` may be a ``.rfp`` model, which knows the frames it was fitted to.

    Raises:
        UserError: a file that cannot be read, or a model that does not know its training frames.
    """
    from rfp_md.artifact import load
    from rfp_md.io import Units, read

    units = Units(energy_unit, force_unit, length_unit)
    if Path(train).suffix == ".rfp":
        known = load(train).fingerprints
        if known is None:
            raise UserError(f"{train}: does not know its training frames; give them themselves, or train it again")
    else:
        known = Fingerprints.of(read(train, units))
    return audit(known, Fingerprints.of(read(test, units)))


def audit(train: Fingerprints, test: Fingerprints) -> Leakage:
    """Compare the frames that judge (``test``) with those that a model was fitted to."""
    exact = np.isin(test.digests, train.digests)
    near, adjacent = np.zeros(len(test), dtype=bool), np.zeros(len(test), dtype=bool)
    distances = np.full(len(test), np.inf)
    for composition in np.intersect1d(train.compositions, test.compositions):
        known, asked = (np.flatnonzero(part.compositions == composition) for part in (train, test))
        near[asked] |= _nearest(train.sorted[known], test.sorted[asked]) <= SAME
    for order in np.intersect1d(train.orders, test.orders):
        known, asked = (np.flatnonzero(part.orders == order) for part in (train, test))
        distances[asked] = _nearest(train.labelled[known], test.labelled[asked])
        adjacent[asked] = _adjacent(train, test, known, asked)
    near = ~exact & (near | (distances <= NEAR))
    finite = distances[np.isfinite(distances)]
    return Leakage(
        n_train=len(train),
        n_test=len(test),
        exact=int(exact.sum()),
        near=int(near.sum()),
        adjacent=int(adjacent.sum()) if (train.steps >= 0).any() and (test.steps >= 0).any() else None,
        nearest=float(np.median(finite)) if len(finite) else None,
    )


def _nearest(known: Floats, asked: Floats) -> Floats:
    """Distance from each asked shape to the nearest known one."""
    from scipy.spatial import KDTree

    distances: Floats = KDTree(known).query(asked)[0]
    return distances


def _adjacent(train: Fingerprints, test: Fingerprints, known: Ints, asked: Ints) -> NDArray[np.bool_]:
    """Which asked frames stand next to a known one in its trajectory."""
    known = known[train.steps[known] >= 0]
    known = known[np.argsort(train.steps[known], kind="stable")]
    steps = train.steps[known]
    wanted = np.where(test.steps[asked] >= 0, test.steps[asked], -10 * ADJACENT_STEPS)
    first = np.searchsorted(steps, wanted - ADJACENT_STEPS)
    last = np.searchsorted(steps, wanted + ADJACENT_STEPS, side="right")
    found = np.zeros(len(asked), dtype=bool)
    for offset in range(int((last - first).max(initial=0))):
        inside = np.flatnonzero(first + offset < last)
        apart = train.labelled[known[first[inside] + offset]] - test.labelled[asked[inside]]
        found[inside] |= np.linalg.norm(apart, axis=1) <= ADJACENT_DISTANCE
    return found


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
    first, second = np.triu_indices(frames.n_atoms, 1)
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
            # The nearest image, up to the corners of a skewed cell: the same in every copy of a frame.
            turns = np.rint(np.linalg.solve(part.cells.transpose(0, 2, 1), apart.transpose(0, 2, 1)))
            turns *= np.array(part.pbc)[:, None]
            apart = apart - (part.cells.transpose(0, 2, 1) @ turns).transpose(0, 2, 1)
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
