"""Derivatives by central differences of fourth order, for whoever compares an analytic one with them."""

from __future__ import annotations

from collections.abc import Callable

from rfp_md.arrays import Floats


def central_difference(function: Callable[[int], Floats], step: float) -> Floats:
    """f′ = [8 f(h) − 8 f(−h) − f(2h) + f(−2h)] / 12h, with f(nh) = ``function(n)`` for the step h."""
    found: Floats = (8.0 * (function(1) - function(-1)) - (function(2) - function(-2))) / (12.0 * step)
    return found
