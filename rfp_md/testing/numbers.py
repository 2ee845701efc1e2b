"""Comparing numbers, and making structures to compare them on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rfp_md.arrays import Floats
from rfp_md.frames import Frames
from rfp_md.testing.outcomes import fail
from rfp_md.testing.structures import moved

BISECTIONS = 24


def want_array(name: str, array: Any, shape: tuple[int | None, ...]) -> None:
    """Fail if it is not a finite float64 array of that shape; None is any size."""
    if not isinstance(array, np.ndarray):
        fail(f"{name} returns {type(array).__name__}, not a numpy array")
    if array.dtype != np.float64:
        fail(f"{name} has dtype {array.dtype}; return float64")
    if len(array.shape) != len(shape) or any(n not in (None, m) for m, n in zip(array.shape, shape, strict=True)):
        wanted = ", ".join("D" if n is None else str(n) for n in shape)
        fail(f"{name} has shape {array.shape}; return ({wanted})")
    if not np.isfinite(array).all():
        fail(f"{name} has numbers that are not finite for an ordinary structure")


def displaced(frames: Frames) -> Frames:
    """Structures that are similar to these, none of them the same."""
    return moved(
        frames, frames.positions + 0.3 + 0.05 * np.sin(np.arange(frames.positions.size)).reshape(frames.positions.shape)
    )


def copied(frames: Frames) -> Frames:
    """The same structures in arrays of their own."""
    cells = None if frames.cells is None else frames.cells.copy()
    return replace(frames, numbers=frames.numbers.copy(), positions=frames.positions.copy(), cells=cells)


def far(a: Floats, b: Floats, tolerance: float) -> bool:
    """Whether two arrays differ by more than the tolerance, relative to the largest number."""
    if np.shape(a) != np.shape(b):
        return True
    return bool(np.abs(np.asarray(a) - np.asarray(b)).max() > tolerance * max(1e-300, np.abs(a).max()))


def sorted_sites(sites: Floats, types: NDArray[np.int64]) -> Floats:
    """Sites (S, D) in an order that does not depend on the atoms' labels: by type, then by a random projection."""
    direction = np.random.default_rng(0).standard_normal(sites.shape[1])
    return sites[np.lexsort((sites @ direction, types))]


def bisect(along: Callable[[float], tuple[Floats, Floats]], part: int, low: float, high: float) -> tuple[float, float]:
    """Follow the largest change into ever smaller intervals: what remains of it, and where."""
    at_low, at_high = along(low)[part], along(high)[part]
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        at_middle = along(middle)[part]
        if np.abs(at_middle - at_low).max() > np.abs(at_high - at_middle).max():
            high, at_high = middle, at_middle
        else:
            low, at_low = middle, at_middle
    return float(np.abs(at_high - at_low).max()), low
