"""Real spherical harmonics with gradients, by the recursion of sphericart (Bigi et al., J. Chem. Phys. 159, 064802)."""

from __future__ import annotations

from math import factorial, sqrt

import numpy as np

from rfp_md.arrays import Floats
from rfp_md.compiled import compiled


def prefactors(l_max: int) -> Floats:
    """F_lm (l_max + 1, l_max + 1) such that Σ_m Y_lm(u) Y_lm(v) = P_l(u·v), the Legendre polynomial."""
    table = np.zeros((l_max + 1, l_max + 1))
    for l in range(l_max + 1):
        for m in range(l + 1):
            table[l, m] = sqrt((2.0 if m else 1.0) * factorial(l - m) / factorial(l + m))
    return table


Room = tuple[Floats, Floats, Floats]


@compiled()
def room_for(size: int) -> Room:
    """What ``harmonics`` writes into on its way, for l < size: Q_lm, c_m and s_m."""
    return np.zeros((size + 1, size + 2)), np.empty(size), np.empty(size)


@compiled(error_model="numpy")
def harmonics(unit: Floats, factors: Floats, room: Room, values: Floats, gradients: Floats) -> None:
    """Y_lm of a unit vector u into ``values`` (L²), L = l_max + 1, at l² + l + m, and ∂Y_lm(r/|r|)/∂r at |r| = 1.

    The gradients are (3, L²).

    With Y_lm = F_lm Q_lm(z) c_m(x, y), and s_m in place of c_m for negative m:

        Q_mm = (2m − 1)!!,  Q_m+1,m = (2m + 1) z Q_mm,  (l − m) Q_lm = (2l − 1) z Q_l−1,m − (l + m − 1) r² Q_l−2,m
        ∂Q_lm/∂x = x Q_l−1,m+1,  ∂Q_lm/∂y = y Q_l−1,m+1,  ∂Q_lm/∂z = (l + m) Q_l−1,m

    up to signs that no invariant sees. A homogeneous polynomial of degree l has r·∇ = l, which is taken off.
    """
    x, y, z = unit
    size = len(factors)
    q, c, s = room
    c[0], s[0], q[0, 0] = 1.0, 0.0, 1.0
    for m in range(1, size):
        c[m], s[m] = x * c[m - 1] - y * s[m - 1], x * s[m - 1] + y * c[m - 1]
        q[m, m] = -(2 * m - 1) * q[m - 1, m - 1]
    for m in range(size - 1):
        q[m + 1, m] = (2 * m + 1) * z * q[m, m]
        for l in range(m + 2, size):
            q[l, m] = ((2 * l - 1) * z * q[l - 1, m] - (l + m - 1) * q[l - 2, m]) / (l - m)
    for l in range(size):
        for m in range(l + 1):
            f, value = factors[l, m], q[l, m]
            qx = x * q[l - 1, m + 1] if l > 0 else 0.0
            qy = y * q[l - 1, m + 1] if l > 0 else 0.0
            qz = (l + m) * q[l - 1, m] if l > 0 else 0.0
            for sign in (1, -1):
                if m == 0 and sign < 0:
                    break
                if sign > 0:
                    angle = c[m]
                    dx, dy = (m * c[m - 1], -m * s[m - 1]) if m else (0.0, 0.0)
                else:
                    angle = s[m]
                    dx, dy = m * s[m - 1], m * c[m - 1]
                k = l * l + l + sign * m
                values[k] = f * value * angle
                radial = l * values[k]
                gradients[0, k] = f * (qx * angle + value * dx) - radial * x
                gradients[1, k] = f * (qy * angle + value * dy) - radial * y
                gradients[2, k] = f * qz * angle - radial * z
