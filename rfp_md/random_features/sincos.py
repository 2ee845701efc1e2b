"""Sine and cosine together, compiled and vectorised: numpy's float64 ones are scalar and dominate a force call."""

from __future__ import annotations

from math import factorial, pi

import numpy as np

from rfp_md.arrays import Floats
from rfp_md.compiled import compiled

# Taylor coefficients: on [−π/2, π/2] the first term left out is below 3e-16.
S0, S1, S2, S3, S4, S5, S6, S7, S8, S9, S10 = ((-1.0) ** k / factorial(2 * k + 1) for k in range(11))
C0, C1, C2, C3, C4, C5, C6, C7, C8, C9, C10, C11 = ((-1.0) ** k / factorial(2 * k) for k in range(12))
FARTHEST = 1e15
PI_REST = 1.2246467991473532e-16  # π − float64(π)


def sincos(angles: Floats) -> tuple[Floats, Floats]:
    """The sine and the cosine of every angle (radian), each of the angles' shape; absolute error about 3e-16."""
    angles = np.ascontiguousarray(angles)
    sine, cosine = np.empty_like(angles), np.empty_like(angles)
    sincos_into(angles.reshape(-1), sine.reshape(-1), cosine.reshape(-1))
    return sine, cosine


# The polynomials are written out because a loop over the coefficients would not be vectorised;
# "contract" allows fused multiply-add, which also makes the reduction by π exact enough.
@compiled(error_model="numpy", fastmath={"contract"})
def sincos_into(angles: Floats, sine: Floats, cosine: Floats) -> None:
    """Write sine and cosine of every angle (n,), radian, into arrays of at least that length."""
    for i in range(angles.size):
        # Beyond some 10¹⁵ radian the argument has no digits left that would be a place on the circle: no number.
        turns = np.rint(angles[i] / pi) if abs(angles[i]) < FARTHEST else np.nan
        r = (angles[i] - turns * pi) - turns * PI_REST
        odd = turns - 2.0 * np.floor(0.5 * turns)
        sign = 1.0 - 2.0 * odd  # sin(r + nπ) = (−1)ⁿ sin r, and the same for cos
        x = r * r
        s = S7 + x * (S8 + x * (S9 + x * S10))
        s = S0 + x * (S1 + x * (S2 + x * (S3 + x * (S4 + x * (S5 + x * (S6 + x * s))))))
        c = C7 + x * (C8 + x * (C9 + x * (C10 + x * C11)))
        c = C0 + x * (C1 + x * (C2 + x * (C3 + x * (C4 + x * (C5 + x * (C6 + x * c))))))
        sine[i] = sign * r * s
        cosine[i] = sign * c
