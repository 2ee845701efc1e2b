"""Which two atoms are closest, periodic images included."""

from __future__ import annotations

import numpy as np

from rfp_md.arrays import Floats
from rfp_md.compiled import compiled
from rfp_md.structures.minimum_image import Directions, Lattice, lattice_of, shortest_image


def closest_pair(positions: Floats, cell: Floats, periodic: Directions, within: float) -> tuple[int, int, float]:
    """Find the two atoms that are closest, and their distance, Å; twice the same atom where it is its own image.

    Args:
        positions: (N, 3), Å.
        cell: rows (3, 3), Å; not looked at for a free molecule.
        periodic: in which of the three directions the cell repeats itself.
        within: a pair that is closer than this, Å, is found for certain; farther images may be overlooked.
    """
    lattice = lattice_of(cell, periodic, within) if any(periodic) else Lattice(cell, cell, periodic, 0)
    found: tuple[int, int, float] = _closest(positions, *lattice)
    return found


@compiled()
def _closest(
    positions: Floats, cell: Floats, inverse: Floats, periodic: Directions, around: int
) -> tuple[int, int, float]:
    first, second, nearest = 0, 0, np.inf
    for c in range(3):  # all atoms are equally far from their own images
        if periodic[c]:
            nearest = min(nearest, cell[c, 0] * cell[c, 0] + cell[c, 1] * cell[c, 1] + cell[c, 2] * cell[c, 2])
    for i in range(len(positions)):
        for j in range(i):
            x = positions[i, 0] - positions[j, 0]
            y = positions[i, 1] - positions[j, 1]
            z = positions[i, 2] - positions[j, 2]
            x, y, z = shortest_image(x, y, z, cell, inverse, periodic, around)
            square = x * x + y * y + z * z
            if square < nearest:
                first, second, nearest = j, i, square
    return first, second, np.sqrt(nearest)
