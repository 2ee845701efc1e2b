"""A free molecule in a periodic box: its atoms were wrapped one by one, and the model wants it in one piece."""

from __future__ import annotations

import numba
import numpy as np

from rfp_md.arrays import Floats, Ints
from rfp_md.errors import UserError

FARTHEST = 0.45  # of the box, between neighbours; from 0.5 on, nobody can tell which image is meant


class Whole:
    """Puts every atom next to its neighbour, along a tree of nearest neighbours that stays as it is.

    It knows no past: any wrapping of the atoms gives the same molecule, up to a vector of the box.

    Args:
        positions: of the molecule as it is wrapped now (N, 3), Å.
        cell: rows (3, 3), Å.
        periodic: in which of the three directions atoms are wrapped.

    Raises:
        UserError: the box is not larger than the molecule.
    """

    def __init__(self, positions: Floats, cell: Floats, periodic: tuple[bool, bool, bool]) -> None:
        self._periodic = np.array(periodic)
        self._cell, self._inverse = cell, np.linalg.inv(cell)
        self._atoms, self._parents = self._tree(positions)
        extent = np.ptp(self(positions, cell) @ self._inverse, axis=0)
        if (extent[self._periodic] >= 1).any():
            raise UserError(
                "the periodic box is smaller than the molecule, which the model takes for a free one; use a larger box"
            )

    def __call__(self, positions: Floats, cell: Floats) -> Floats:
        """The molecule in one piece (N, 3), Å.

        Raises:
            UserError: neighbours are so far apart that it cannot be told which images belong together.
        """
        if cell is not self._cell:
            self._cell, self._inverse = cell, np.linalg.inv(cell)
        whole: Floats
        whole, farthest, place = join(positions, cell, self._inverse, self._periodic, self._atoms, self._parents)
        if farthest > FARTHEST:
            raise UserError(
                f"atoms {self._parents[place] + 1} and {self._atoms[place] + 1}, neighbours in the molecule, are "
                f"{farthest:.2f} of the periodic box apart, so nobody can tell which images belong together; "
                "use a larger box"
            )
        return whole

    def _tree(self, positions: Floats) -> tuple[Ints, Ints]:
        """Every atom but the first with its parent, parents first: a minimum spanning tree of the distances."""
        from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree

        steps = (positions[:, None] - positions) @ self._inverse
        distances = np.linalg.norm((steps - np.rint(steps) * self._periodic) @ self._cell, axis=2)
        atoms, parents = breadth_first_order(minimum_spanning_tree(distances), 0, directed=False)
        return atoms[1:].astype(np.int64), parents[atoms[1:]].astype(np.int64)


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def join(
    positions: Floats, cell: Floats, inverse: Floats, periodic: Ints, atoms: Ints, parents: Ints
) -> tuple[Floats, float, int]:
    """Positions in one piece, the largest step from parent to atom as a fraction of the box, and which step it is."""
    whole = positions.copy()
    farthest, place = 0.0, 0
    for k in range(len(atoms)):
        atom, parent = atoms[k], parents[k]
        step = positions[atom] - positions[parent]
        for a in range(3):
            whole[atom, a] = whole[parent, a] + step[a]
        for b in range(3):
            if not periodic[b]:
                continue
            fraction = step[0] * inverse[0, b] + step[1] * inverse[1, b] + step[2] * inverse[2, b]
            images = np.rint(fraction)
            if abs(fraction - images) > farthest:
                farthest, place = abs(fraction - images), k
            for a in range(3):
                whole[atom, a] -= images * cell[b, a]
    return whole, farthest, place
