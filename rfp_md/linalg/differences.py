"""Derivatives by central differences of fourth order, for whoever compares an analytic one with them."""

from __future__ import annotations

from collections.abc import Callable

from rfp_md.arrays import Floats


def central_difference(of: Callable[[int], Floats], step: float) -> Floats:
    """[8 f(h) − 8 f(−h) − f(2h) + f(−2h)] / 12h, of values that are known at multiples of the step h."""
    found: Floats = (8.0 * (of(1) - of(-1)) - (of(2) - of(-2))) / (12.0 * step)
    return found
