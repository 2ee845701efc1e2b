"""Compiled functions of one neighbour: R_n and Y_lm with their derivatives.

symbol      here
r, r̂        the length of a neighbour's vector, and ``unit`` (3,)
R_n, R_n′   ``g`` and ``dg`` (n,)
Y_lm, ∂Y_lm ``y`` (L²,) and ``dy`` (3, L²), at l² + l + m
"""

from __future__ import annotations

from math import sqrt

import numpy as np

from rfp_md.arrays import Floats
from rfp_md.atomic_basis.basis import Arrays
from rfp_md.atomic_basis.harmonics import Room, harmonics, room_for
from rfp_md.compiled import compiled

Scratch = tuple[Floats, Floats, Floats, Floats, Floats, Room]

loop = compiled(error_model="numpy", fastmath={"contract", "reassoc"})


@loop
def radial(r: float, cutoff: float, logs: Floats, steepness: float, values: Floats, derivatives: Floats) -> None:
    """R_n(r) = exp(−η ln²(r/r_n)) r^−½ (1 − (r/r_c)²)³ and dR_n/dr; the zero of third order leaves two derivatives.

    Args:
        logs: ln r_n, which are equally spaced by s: with d = ln(r/r_0), each bump is the one before times
            exp(η s (2d − s)) exp(−2η s²)ⁿ, so that three exponentials are enough.
    """
    t = 1.0 - (r / cutoff) ** 2
    root = 1.0 / np.sqrt(r)
    fade = t * t * t * root
    fade_derivative = -6.0 * r / cutoff**2 * t * t * root - 0.5 * fade / r
    d, s = np.log(r) - logs[0], logs[1] - logs[0]
    bump, ratio = np.exp(-steepness * d * d), np.exp(steepness * s * (2.0 * d - s))
    decay = np.exp(-2.0 * steepness * s * s)
    for n in range(len(logs)):
        values[n] = bump * fade
        derivatives[n] = bump * (fade_derivative - 2.0 * steepness * (d - n * s) / r * fade)
        bump *= ratio
        ratio *= decay


@loop
def functions_of(vector: Floats, basis: Arrays, scratch: Scratch) -> float:
    """|r|, and into ``scratch`` r̂, R_n, dR_n/dr, Y_lm and ∂Y_lm."""
    cutoff, logs, steepness, _, prefactors, _ = basis
    unit, g, dg, y, dy, room = scratch
    r = sqrt(vector[0] ** 2 + vector[1] ** 2 + vector[2] ** 2)
    for x in range(3):
        unit[x] = vector[x] / r
    harmonics(unit, prefactors, room, y, dy)
    radial(r, cutoff, logs, steepness, g, dg)
    return r


@loop
def scratch_for(basis: Arrays) -> Scratch:
    """Room for the numbers of one neighbour."""
    n, size = len(basis[1]), len(basis[4])
    return np.empty(3), np.empty(n), np.empty(n), np.empty(size**2), np.empty((3, size**2)), room_for(size)
