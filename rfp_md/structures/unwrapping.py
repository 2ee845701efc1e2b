"""A free molecule in a periodic box: its atoms were wrapped one by one, and the model wants it in one piece."""

from __future__ import annotations

import numpy as np

from rfp_md.arrays import Floats, Ints
from rfp_md.compiled import compiled
from rfp_md.errors import UserError
from rfp_md.structures.minimum_image import Directions, minimum_images, rounded_image

FARTHEST = 0.45  # of the box, between neighbours; from 0.5 on, nobody can tell which image is meant


class Unwrapper:
    """Puts every atom next to its neighbour, along a tree of nearest neighbours that stays as it is.

    It knows no past: any wrapping of the atoms gives the same molecule, up to a vector of the box.

    Args:
        positions: of the molecule as it is wrapped now (N, 3), Å.
        cell: rows (3, 3), Å.
        periodic: in which of the three directions atoms are wrapped.

    Raises:
        UserError: the box is not larger than the molecule.
    """

    def __init__(self, positions: Floats, cell: Floats, periodic: Directions) -> None:
        self._periodic = periodic
        self._cell: Floats = cell
        self._inverse = np.asarray(np.linalg.inv(cell), np.float64)
        self._atoms, self._parents = nearest_neighbours(minimum_images(positions[:, None] - positions, cell, periodic))
        self._check_size(self(positions, cell))

    def __call__(self, positions: Floats, cell: Floats) -> Floats:
        """Put the molecule together: positions (N, 3), Å.

        Raises:
            UserError: neighbours are so far apart that it cannot be told which images belong together, or the box has
                become smaller than the molecule.
        """
        other = cell is not self._cell
        if other:
            self._cell, self._inverse = cell, np.asarray(np.linalg.inv(cell), np.float64)
        whole, farthest, place = join(positions, cell, self._inverse, self._periodic, self._atoms, self._parents)
        if farthest > FARTHEST:
            raise UserError(
                f"atoms {self._parents[place] + 1} and {self._atoms[place] + 1}, neighbours in the molecule, are "
                f"{farthest:.2f} of the periodic box apart, so nobody can tell which images belong together; "
                "use a larger box"
            )
        if other:
            self._check_size(whole)
        return whole

    def _check_size(self, whole: Floats) -> None:
        extent = np.ptp(whole @ self._inverse, axis=0)
        if (extent[np.array(self._periodic)] >= 1).any():
            raise UserError(
                "the periodic box is smaller than the molecule, which the model takes for a free one; use a larger box"
            )


def nearest_neighbours(steps: Floats) -> tuple[Ints, Ints]:
    """Find every atom but the first with its parent, parents first: a minimum spanning tree of steps (N, N, 3)."""
    from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree

    distances = np.linalg.norm(steps, axis=2)
    atoms, parents = breadth_first_order(minimum_spanning_tree(distances), 0, directed=False)
    return atoms[1:].astype(np.int64), parents[atoms[1:]].astype(np.int64)


@compiled()
def join(
    positions: Floats, cell: Floats, inverse: Floats, periodic: Directions, atoms: Ints, parents: Ints
) -> tuple[Floats, float, int]:
    """Put positions in one piece; the largest step to a parent as a fraction of the box, and which step it is."""
    whole = positions.copy()
    farthest, place = 0.0, 0
    for k in range(len(atoms)):
        atom, parent = atoms[k], parents[k]
        x = positions[atom, 0] - positions[parent, 0]
        y = positions[atom, 1] - positions[parent, 1]
        z = positions[atom, 2] - positions[parent, 2]
        x, y, z = rounded_image(x, y, z, cell, inverse, periodic)
        whole[atom, 0], whole[atom, 1], whole[atom, 2] = (
            whole[parent, 0] + x,
            whole[parent, 1] + y,
            whole[parent, 2] + z,
        )
        for c in range(3):
            fraction = abs(x * inverse[0, c] + y * inverse[1, c] + z * inverse[2, c])
            if periodic[c] and fraction > farthest:
                farthest, place = fraction, k
    return whole, farthest, place
