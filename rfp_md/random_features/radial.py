"""Radial functions κ(r) with what their first and second derivatives need."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from rfp_md.arrays import Floats

RadialKernel = Literal["gaussian", "matern52"]
Radial = Callable[[Floats], tuple[Floats, Floats, Floats]]


def _gaussian(squares: Floats) -> tuple[Floats, Floats, Floats]:
    value = np.exp(-0.5 * squares)
    return value, value, value


def _matern52(squares: Floats) -> tuple[Floats, Floats, Floats]:
    scaled = np.sqrt(5.0 * squares)
    decay = np.exp(-scaled)
    return (1.0 + scaled + 5.0 / 3.0 * squares) * decay, 5.0 / 3.0 * (1.0 + scaled) * decay, 25.0 / 3.0 * decay


# r² ↦ κ, g = −κ′/r and h = −g′/r: with d = x − y, ∂κ/∂y = g d and ∂²κ/∂x∂y = g 1 − h d dᵀ.
#   gaussian   κ = exp(−r²/2)
#   matern52   κ = (1 + √5 r + 5r²/3) exp(−√5 r)
RADIAL: dict[RadialKernel, Radial] = {"gaussian": _gaussian, "matern52": _matern52}


def squared_distances(first: Floats, second: Floats) -> Floats:
    """|x − y|² (…, K) of x (…, D) and y (K, D)."""
    squares = np.square(first).sum(axis=-1)[..., None] + np.square(second).sum(axis=1)
    squares -= 2.0 * (first @ second.T)
    return np.asarray(np.maximum(squares, 0.0))
