"""Are the frames that judge a model among those that made it? Exact, near and adjacent copies.

A test frame that repeats a training frame measures memory, not prediction. Frames are compared by their
fingerprints, which a model file keeps of all frames that it was fitted to. Near are frames whose labelled distances
are the same to rounding, or, in any order of like atoms, frames whose sorted distances are: sorted distances of
*different* frames are too alike to say more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rfp_md.arrays import Floats, Ints
from rfp_md.structures.fingerprints import Fingerprints

NEAR = 0.01  # Å; thermal motion is ten times larger
SAME = 1e-4  # Å; of sorted distances, whatever the order of like atoms
ADJACENT_STEPS = 5
ADJACENT_DISTANCE = 0.3  # Å; farther apart, equal step numbers are of different trajectories
MANY = 0.2  # share of adjacent frames that is a leak: the official rMD17 splits have up to a tenth


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
        """What was found, in one line."""
        found = []
        if self.exact:
            found.append(f"{self.exact} repeat a training frame exactly")
        if self.near:
            found.append(f"{self.near} are within {NEAR:g} Å of one")
        if self.adjacent:
            found.append(f"{self.adjacent} are within {ADJACENT_STEPS} steps of one")
        return f"of {self.n_test} frames, " + ", ".join(found) if found else "none found"

    def as_dict(self) -> dict[str, Any]:
        """The counts by name, for JSON and the record of a model."""
        return {
            "leaks": self.leaks,
            "exact": self.exact,
            "near": self.near,
            "adjacent": self.adjacent,
            "median_nearest_angstrom": self.nearest,
            "summary": self.summary,
        }


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
