"""Which two atoms are closest, periodic images included."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from rfp_md.arrays import Floats

Directions = tuple[bool, bool, bool]


def closest_pair(positions: Floats, cell: Floats, periodic: Directions, within: float) -> tuple[int, int, float]:
    """The two atoms that are closest, and their distance, Å; twice the same atom where it is its own image.

    Args:
        positions: (N, 3), Å.
        cell: rows (3, 3), Å; not looked at for a free molecule.
        periodic: in which of the three directions the cell repeats itself.
        within: a pair that is closer than this, Å, is found for certain; farther images may be overlooked.
    """
    images = 0
    if any(periodic):
        cell, images = _lattice(cell, np.array(periodic), within)
    found: tuple[int, int, float] = _closest(positions, cell, periodic, images)
    return found


def _lattice(cell: Floats, periodic: NDArray[np.bool_], within: float) -> tuple[Floats, int]:
    """A cell of the same lattice, and how many images beside the one that rounding finds to look at."""
    from ase.geometry import complete_cell, minkowski_reduce

    if not periodic.all():
        # What stands for a direction without images is at right angles to the others, so that it mixes nothing in.
        cell = np.asarray(complete_cell(np.where(periodic[:, None], cell, 0.0)), dtype=np.float64)
    # An image that is less than half a height away is the one that rounding finds.
    if (1 / np.linalg.norm(np.linalg.inv(cell)[:, periodic], axis=0) > 2 * within).all():
        return cell, 0
    # In a reduced cell the closest image is a neighbour of the one that rounding finds.
    return np.ascontiguousarray(minkowski_reduce(cell, periodic)[0]), 1


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _closest(positions: Floats, cell: Floats, periodic: Directions, images: int) -> tuple[int, int, float]:
    """The closest pair among the images that rounding finds and so many to each side of them."""
    first, second, nearest = 0, 0, np.inf
    inverse = np.linalg.inv(cell) if periodic[0] or periodic[1] or periodic[2] else cell
    most_a, most_b, most_c = images * periodic[0], images * periodic[1], images * periodic[2]
    for i in range(len(positions)):
        for j in range(i + 1 if i == 0 else i):  # all atoms are equally far from their own images
            x = positions[i, 0] - positions[j, 0]
            y = positions[i, 1] - positions[j, 1]
            z = positions[i, 2] - positions[j, 2]
            for c in range(3):
                if periodic[c]:
                    turns = np.rint(x * inverse[0, c] + y * inverse[1, c] + z * inverse[2, c])
                    x, y, z = x - turns * cell[c, 0], y - turns * cell[c, 1], z - turns * cell[c, 2]
            for a in range(-most_a, most_a + 1):
                for b in range(-most_b, most_b + 1):
                    for c in range(-most_c, most_c + 1):
                        if i == j and a == b == c == 0:
                            continue
                        u = x + a * cell[0, 0] + b * cell[1, 0] + c * cell[2, 0]
                        v = y + a * cell[0, 1] + b * cell[1, 1] + c * cell[2, 1]
                        w = z + a * cell[0, 2] + b * cell[1, 2] + c * cell[2, 2]
                        square = u * u + v * v + w * w
                        if square < nearest:
                            first, second, nearest = j, i, square
    return first, second, np.sqrt(nearest)
