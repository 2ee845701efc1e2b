"""By what factor one label follows from another, with honest bounds: both have errors, and few frames say little.

symbol    here
x, y      what the forces predict, and the label; both with what may differ without a fault (constants) taken off
r         their correlation
s         sign(r) |y|/|x|, the slope; the true one lies between r s (all error is in y) and s/r (all is in x)
δ         standard error of ln |s|, by leaving out one frame after another (jackknife)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from rfp_md.arrays import Floats

CORRELATED = 0.8  # |r|; below, two labels that belong together cannot be told from two that do not
SIGNIFICANT = 6.0  # Student's t of the correlation: a false alarm among 10⁵ sets even where only ten frames are free
ERRORS = 3.0  # standard errors that the slope is allowed


@dataclass(frozen=True)
class Slope:
    """The slope s of labels against what the forces say of them.

    Attributes:
        value: s.
        error: standard error of s.
        correlation: r.
    """

    value: float
    error: float
    correlation: float

    def differs_from_one(self, factor: float) -> bool:
        """Whether it is negative, or certainly larger or smaller than one by more than a factor."""
        if self.value < 0:
            return True
        spread = ERRORS * self.error / self.value - np.log(abs(self.correlation))
        return bool(abs(np.log(self.value)) - spread > np.log(factor))

    def __str__(self) -> str:
        digits = max(0, 1 - int(np.floor(np.log10(max(self.error, 1e-3 * abs(self.value))))))
        return f"{self.value:.{digits}f} ± {self.error:.{digits}f}"


@dataclass(frozen=True, eq=False)
class Group:
    """Frames that can be compared with each other.

    Attributes:
        x, y: (M, P), P numbers of each frame, their offsets not yet taken off.
        offsets: functions of the frame that both may contain in any amount (M, Q), a constant among them.
    """

    x: Floats
    y: Floats
    offsets: Floats

    @property
    def sums(self) -> tuple[Floats, int]:
        """x², xy and y² of every frame, offsets taken off (M, 3), and how many frames are free."""
        u, sizes, _ = np.linalg.svd(self.offsets, full_matrices=False)
        u = u[:, sizes > 1e-8 * sizes[0]]
        x, y = (values - u @ (u.T @ values) for values in (self.x, self.y))
        products = np.stack([x * x, x * y, y * y], axis=2).sum(axis=1)
        return products, len(self.x) - u.shape[1]


def slope_of(groups: Iterable[Group]) -> Slope | None:
    """The slope over all groups that tell one; None where the frames cannot tell."""
    told = [sums for sums, free in (group.sums for group in groups) if free >= 2 and _tells(sums.sum(axis=0), free)]
    if not told:
        return None
    sums = np.concatenate(told)
    total = sums.sum(axis=0)
    without = np.log(_size(total - sums))
    n = len(sums)
    error = np.sqrt((n - 1) / n * np.square(without - without.mean()).sum())
    correlation = _correlation(total)
    slope = Slope(float(np.sign(correlation) * _size(total)), float(error * _size(total)), float(correlation))
    return slope if abs(correlation) >= CORRELATED and np.isfinite(error) else None


def _tells(total: Floats, free: int) -> bool:
    """Whether x and y of a group are so alike that it is no chance."""
    r = abs(_correlation(total))
    return bool(r >= CORRELATED and r * np.sqrt(free) >= SIGNIFICANT * np.sqrt(max(1e-12, 1 - r * r)))


def _correlation(total: Floats) -> float:
    return float(total[1] / np.sqrt(total[0] * total[2])) if total[0] * total[2] > 0 else 0.0


def _size(total: Floats) -> Floats:
    size: Floats = np.sqrt(np.maximum(total[..., 2], 1e-300) / np.maximum(total[..., 0], 1e-300))
    return size
