"""Are the frames that judge a model among those that made it? Exact, near and adjacent copies.

A test frame that repeats a training frame measures memory, not prediction. Frames are compared by
fingerprints, which a model file keeps of all frames that it was fitted to:

    digest        of species and positions, bit for bit
    composition   of the species, whatever their order
    shape         the sorted distances of each pair of elements, projected onto a few random directions, so that
                  |shape − shape′| is about the root-mean-square difference of the distances, Å
    step          of the trajectory, −1 where it is not known

Distances do not see motions of the whole, and sorting makes them blind to the order of like atoms.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rfp_md.errors import UserError
from rfp_md.frames import Dataset, Floats, Frames, Ints

NEAR = 0.01  # Å; thermal motion is ten times larger
ADJACENT_STEPS = 5
ADJACENT_DISTANCE = 0.3  # Å; farther apart, equal step numbers are of different trajectories
DIRECTIONS = 16
CHUNK_NUMBERS = 4_000_000


@dataclass(frozen=True, eq=False)
class Fingerprints:
    """Of M frames: digests (M,), compositions (M,), shapes (M, 16) and steps (M,)."""

    digests: Ints
    compositions: Ints
    shapes: Floats
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
        near: do not, but are within 0.01 Å of one (root mean square of the interatomic distances).
        adjacent: are within five steps of one in its trajectory; None where no steps are known.
        nearest: median distance to the nearest training frame, Å; None without a frame of the same composition.
    """

    n_train: int
    n_test: int
    exact: int
    near: int
    adjacent: int | None
    nearest: float | None

    @property
    def leaks(self) -> bool:
        return self.exact + self.near > 0

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
    distances = np.full(len(test), np.inf)
    adjacent = np.zeros(len(test), dtype=bool)
    for composition in np.intersect1d(train.compositions, test.compositions):
        known, asked = (np.flatnonzero(part.compositions == composition) for part in (train, test))
        distances[asked] = _nearest(train.shapes[known], test.shapes[asked])
        adjacent[asked] = _adjacent(train, test, known, asked)
    near = ~exact & (distances <= NEAR)
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
        apart = train.shapes[known[first[inside] + offset]] - test.shapes[asked[inside]]
        found[inside] |= np.linalg.norm(apart, axis=1) <= ADJACENT_DISTANCE
    return found


def _of_block(frames: Frames) -> tuple[Ints, Ints, Floats, Ints]:
    digests = [_hash(frames.numbers.tobytes() + structure.tobytes()) for structure in frames.positions]
    composition = _hash(np.sort(frames.numbers).tobytes())
    steps = np.full(len(frames), -1, dtype=np.int64) if frames.steps is None else frames.steps
    return np.array(digests), np.full(len(frames), composition), _shapes(frames), steps


def _hash(data: bytes) -> int:
    return int.from_bytes(hashlib.sha256(data).digest()[:8], "little", signed=True)


def _shapes(frames: Frames) -> Floats:
    """Sorted distances (M, P), projected to (M, 16) such that norms are root mean squares over the P pairs."""
    first, second = np.triu_indices(frames.n_atoms, 1)
    n_pairs = len(first)
    shapes = np.zeros((len(frames), DIRECTIONS))
    if n_pairs == 0:
        return shapes
    elements = np.sort(frames.numbers[np.stack([first, second])], axis=0)
    kinds = np.unique(elements, axis=1, return_inverse=True)[1].reshape(-1)
    if n_pairs > DIRECTIONS:
        # One fixed set of directions for each number of pairs, so that files made apart can be compared.
        random = np.random.default_rng(n_pairs).standard_normal((n_pairs, DIRECTIONS))
        directions = np.linalg.qr(random)[0] / np.sqrt(DIRECTIONS)
    else:
        directions = np.eye(n_pairs, DIRECTIONS) / np.sqrt(n_pairs)
    size = max(1, CHUNK_NUMBERS // n_pairs)
    for start in range(0, len(frames), size):
        part = frames[start : start + size]
        apart = part.positions[:, first] - part.positions[:, second]
        if part.cells is not None and part.periodic:
            # The nearest image, up to the corners of a skewed cell: the same in every copy of a frame.
            turns = np.rint(np.linalg.solve(part.cells.transpose(0, 2, 1), apart.transpose(0, 2, 1)))
            turns *= np.array(part.pbc)[:, None]
            apart = apart - (part.cells.transpose(0, 2, 1) @ turns).transpose(0, 2, 1)
        distances = np.linalg.norm(apart, axis=2)
        for kind in range(kinds.max() + 1):
            distances[:, kinds == kind] = np.sort(distances[:, kinds == kind], axis=1)
        shapes[start : start + size] = distances @ directions
    return shapes
