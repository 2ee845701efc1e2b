"""A molecule that a periodic box has wrapped atom by atom is put together again."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rfp_md.errors import UserError
from rfp_md.structures.unwrapping import Unwrapper
from rfp_md.testing.structures import molecule

POSITIONS = molecule(1).positions[0]
CELL = np.array([[8.0, 0, 0], [3, 8, 0], [-2, 3, 9]])
images = st.lists(st.tuples(*[st.integers(-2, 2)] * 3), min_size=len(POSITIONS), max_size=len(POSITIONS))


@settings(max_examples=50, deadline=None)
@given(shifts=images)
def test_any_wrapping_gives_the_same_molecule(shifts):
    wrapped = POSITIONS + np.array(shifts) @ CELL
    for first in (POSITIONS, wrapped):
        whole = Unwrapper(first, CELL, (True, True, True))(wrapped, CELL)
        np.testing.assert_allclose(whole - whole[0], POSITIONS - POSITIONS[0], atol=1e-9)


def test_directions_that_are_not_periodic_are_left_alone():
    wrapped = POSITIONS.copy()
    wrapped[3] += CELL[0]
    whole = Unwrapper(POSITIONS, CELL, (False, True, True))
    np.testing.assert_allclose(whole(wrapped, CELL), wrapped)


def test_a_box_that_grows_is_followed():
    grown = 1.1 * CELL
    whole = Unwrapper(POSITIONS, CELL, (True, True, True))
    wrapped = POSITIONS + np.arange(3 * len(POSITIONS)).reshape(-1, 3) % 3 @ grown
    np.testing.assert_allclose(whole(wrapped, grown) - whole(wrapped, grown)[0], POSITIONS - POSITIONS[0], atol=1e-9)


def test_neighbours_that_have_parted_are_named():
    whole = Unwrapper(POSITIONS, CELL, (True, True, True))

    def part():
        for step in np.linspace(0, 0.6, 50):
            moved = POSITIONS.copy()
            moved[-1] += step * CELL[0]
            whole(moved, CELL)

    with pytest.raises(UserError, match=rf"atoms \d+ and {len(POSITIONS)}, neighbours in the molecule, are 0\.4"):
        part()


def test_a_molecule_in_a_skewed_box_is_put_together_along_its_shortest_steps():
    """Rounding alone takes another image for the neighbour, and the tree goes astray."""
    cell = np.array([[24.0, 0, 0], [12.0, 9.0, 0], [-11, 4, 20]])
    wrapped = POSITIONS + np.arange(3 * len(POSITIONS)).reshape(-1, 3) % 3 @ cell
    whole = Unwrapper(wrapped, cell, (True, True, True))(wrapped, cell)
    np.testing.assert_allclose(whole - whole[0], POSITIONS - POSITIONS[0], atol=1e-9)
