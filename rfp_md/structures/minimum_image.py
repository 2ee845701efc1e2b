"""The minimum image, written once: the shortest of the periodic images of a vector, in any cell.

The rows of a cell are its lattice vectors, the columns of its inverse give a vector's fractions along them. Rounding
the fractions off is cheap. It finds the shortest image where the lattice vectors are at right angles, and anywhere if
that is shorter than half the smallest height of the cell. In a skewed cell another image may be shorter: it is at most
one lattice vector along each direction away, if the cell is reduced as Minkowski did (its vectors are the shortest
ones that make the lattice). Directions that do not repeat are left alone; their rows may be zero.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

from rfp_md.arrays import Floats
from rfp_md.compiled import compiled

Directions = tuple[bool, bool, bool]


class Lattice(NamedTuple):
    """A cell in which minimum images are found.

    Attributes:
        cell: rows (3, 3), Å; what stands for a direction without images is at right angles to the others.
        inverse: of the cell (3, 3), 1/Å.
        periodic: in which directions the cell repeats itself.
        around: how many images to each side of the rounded one have to be looked at.
    """

    cell: Floats
    inverse: Floats
    periodic: Directions
    around: int


def minimum_images(vectors: Floats, cell: Floats, periodic: Directions) -> Floats:
    """Find the shortest images of vectors (..., 3), Å, in a cell (3, 3) that repeats itself in some directions."""
    if not any(periodic):
        return vectors
    lattice = lattice_of(cell, periodic)
    images: Floats = _shortest_images(np.ascontiguousarray(vectors).reshape(-1, 3), *lattice)
    return images.reshape(vectors.shape)


def lattice_of(cell: Floats, periodic: Directions, within: float = np.inf) -> Lattice:
    """Prepare a cell that is periodic in some direction for shortest images to be found in it.

    Args:
        within: images that are shorter than this, Å, are found for certain; rounding does where it is short.
    """
    from ase.geometry import complete_cell, minkowski_reduce

    mask = np.array(periodic)
    if not mask.all():
        cell = np.asarray(complete_cell(np.where(mask[:, None], cell, 0.0)), dtype=np.float64)
    inverse = np.asarray(np.linalg.inv(cell), dtype=np.float64)
    heights = 1 / np.linalg.norm(inverse[:, mask], axis=0)
    products = cell @ cell.T
    if (heights > 2 * within).all() or not (products - np.diag(products.diagonal())).any():
        return Lattice(cell, inverse, periodic, 0)
    cell = np.ascontiguousarray(minkowski_reduce(cell, mask)[0])
    inverse = np.asarray(np.linalg.inv(cell), dtype=np.float64)
    return Lattice(cell, inverse, periodic, 1)


def rounded_images(vectors: Floats, cells: Floats, periodic: Directions) -> Floats:
    """Take images by rounding alone, of vectors (M, P, 3) each in its cell (M, 3, 3).

    Up to the corners of a skewed cell they are the shortest. What fingerprints are made of, so that its digits stay.
    """
    columns = cells.transpose(0, 2, 1)
    turns = np.rint(np.linalg.solve(columns, vectors.transpose(0, 2, 1)))
    turns *= np.array(periodic)[:, None]
    images: Floats = vectors - (columns @ turns).transpose(0, 2, 1)
    return images


@numba.njit(inline="always")  # type: ignore[untyped-decorator]
def rounded_image(
    x: float, y: float, z: float, cell: Floats, inverse: Floats, periodic: Directions
) -> tuple[float, float, float]:
    """Take the image of one vector by rounding alone."""
    for c in range(3):
        if periodic[c]:
            turns = np.rint(x * inverse[0, c] + y * inverse[1, c] + z * inverse[2, c])
            x, y, z = x - turns * cell[c, 0], y - turns * cell[c, 1], z - turns * cell[c, 2]
    return x, y, z


@numba.njit(inline="always")  # type: ignore[untyped-decorator]
def shortest_image(
    x: float, y: float, z: float, cell: Floats, inverse: Floats, periodic: Directions, around: int
) -> tuple[float, float, float]:
    """Find the shortest image of one vector in a ``Lattice``."""
    x, y, z = rounded_image(x, y, z, cell, inverse, periodic)
    if around == 0:
        return x, y, z
    u, v, w = x, y, z
    most_a, most_b, most_c = around * periodic[0], around * periodic[1], around * periodic[2]
    for a in range(-most_a, most_a + 1):
        for b in range(-most_b, most_b + 1):
            for c in range(-most_c, most_c + 1):
                p = x + a * cell[0, 0] + b * cell[1, 0] + c * cell[2, 0]
                q = y + a * cell[0, 1] + b * cell[1, 1] + c * cell[2, 1]
                r = z + a * cell[0, 2] + b * cell[1, 2] + c * cell[2, 2]
                if p * p + q * q + r * r < u * u + v * v + w * w:
                    u, v, w = p, q, r
    return u, v, w


@compiled()
def _shortest_images(vectors: Floats, cell: Floats, inverse: Floats, periodic: Directions, around: int) -> Floats:
    images = np.empty_like(vectors)
    for k in range(len(vectors)):
        x, y, z = vectors[k]
        images[k] = shortest_image(x, y, z, cell, inverse, periodic, around)
    return images
