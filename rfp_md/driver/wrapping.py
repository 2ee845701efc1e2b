"""A free molecule from a server that has a cell, and may put every atom into it by itself.

The protocol always sends a cell and never says whether atoms were wrapped (i-PI's ``pbc="true"``, ASE's ``wrap``).
What was wrapped lies in one cell and has neighbours that are more than half of it apart. Such a molecule is put
together along a tree of nearest neighbours of the template; whatever else comes stays as it is.
"""

from __future__ import annotations

import numpy as np

from rfp_md.arrays import Floats, Ints
from rfp_md.compiled import compiled
from rfp_md.errors import UserError
from rfp_md.frames import Frames
from rfp_md.structures.unwrapping import FARTHEST, join, nearest_neighbours

EVERYWHERE = (True, True, True)
ONE_CELL = 1 + 1e-6  # ASE leaves an atom on the face where it is
UNWRAPPED = 'let it send them as they are (i-PI: <ffsocket … pbc="false">)'


class ServersCell:
    """Makes free molecules whole.

    Once the server was seen to wrap, a molecule is put where it was last, so that its trajectory goes on where it
    leaves the cell as a whole.

    Args:
        template: one free structure, whose nearest neighbours stay so.
        may_move: whether the model gives the same wherever the molecule is.
    """

    def __init__(self, template: Frames, *, may_move: bool = True) -> None:
        positions = template.positions[0]
        self._numbers, self._may_move, self._wraps = template.numbers, may_move, False
        self._atoms, self._parents = nearest_neighbours(positions[:, None] - positions)
        self._anchor = positions[0]  # where the first atom was last
        self._known, self._inverses = b"", np.empty((0, 3, 3))

    def whole(self, cells: Floats, positions: Floats) -> Floats:
        """Put structures (B, N, 3) together that were wrapped into their cells (B, 3, 3); Å.

        Raises:
            UserError: neighbours are so far apart that nobody can tell which images are meant, or a model for which
                it matters where the molecule is.
        """
        if (key := cells.tobytes()) != self._known:
            self._known, self._inverses = key, np.array([_inverse(cell) for cell in cells])
        if not self._wraps:
            if not _any_torn(positions, self._inverses, self._atoms, self._parents):
                self._anchor = positions[-1, 0]
                return positions
            if not self._may_move:
                raise UserError(f"the server wraps atoms into its cell, but the model sees where they are; {UNWRAPPED}")
            self._wraps = True
        return np.array([self._put_together(*one) for one in zip(positions, cells, self._inverses, strict=True)])

    def _put_together(self, positions: Floats, cell: Floats, inverse: Floats) -> Floats:
        whole, farthest, place = join(
            positions, np.ascontiguousarray(cell), inverse, EVERYWHERE, self._atoms, self._parents
        )
        if farthest > FARTHEST:
            first, second = (self._name(atoms[place]) for atoms in (self._parents, self._atoms))
            raise UserError(
                f"the server wraps atoms into its cell, and the neighbours {first} and {second} are {farthest:.2f} of "
                f"it apart, so that nobody can tell which images belong together; take a larger cell, or {UNWRAPPED}"
            )
        whole += np.rint((self._anchor - whole[0]) @ inverse) @ cell
        self._anchor = whole[0]
        return whole

    def _name(self, atom: int) -> str:
        from ase.data import chemical_symbols

        return f"{chemical_symbols[self._numbers[atom]]}{atom}"


def _inverse(cell: Floats) -> Floats:
    """The inverse of a cell, zero where there is none: nothing is wrapped into such a cell."""
    try:
        return np.asarray(np.linalg.inv(cell), np.float64)
    except np.linalg.LinAlgError:
        return np.zeros((3, 3))


@compiled()
def _any_torn(positions: Floats, inverses: Floats, atoms: Ints, parents: Ints) -> bool:
    """Whether a structure that lies in one cell has neighbours more than half of it apart."""
    for b in range(len(positions)):
        for k in range(len(atoms)):
            x = positions[b, atoms[k], 0] - positions[b, parents[k], 0]
            y = positions[b, atoms[k], 1] - positions[b, parents[k], 1]
            z = positions[b, atoms[k], 2] - positions[b, parents[k], 2]
            far = False
            for c in range(3):
                far |= abs(x * inverses[b, 0, c] + y * inverses[b, 1, c] + z * inverses[b, 2, c]) > 0.5
            if far:
                if _in_one_cell(positions[b], inverses[b]):
                    return True
                break
    return False


@compiled()
def _in_one_cell(positions: Floats, inverse: Floats) -> bool:
    for c in range(3):
        least, most = np.inf, -np.inf
        for i in range(len(positions)):
            along = positions[i, 0] * inverse[0, c] + positions[i, 1] * inverse[1, c] + positions[i, 2] * inverse[2, c]
            least, most = min(least, along), max(most, along)
        if most - least > ONE_CELL:
            return False
    return True
