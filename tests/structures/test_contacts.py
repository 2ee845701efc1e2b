"""The closest two atoms against every image within a wide reach; free molecules, crystals and slabs."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rfp_md.structures.contacts import closest_pair

PERIODIC = list(product((False, True), repeat=3))


def by_hand(positions, cell, periodic, reach):
    """The shortest distance between two atoms or images of atoms."""
    shifts = np.array(list(product(*(range(-reach * p, reach * p + 1) for p in periodic)))) @ cell
    apart = np.linalg.norm(positions[:, None, None] - positions[:, None] + shifts, axis=-1)
    apart[np.arange(len(positions)), np.arange(len(positions)), len(shifts) // 2] = np.inf
    return apart.min()


@given(seed=st.integers(0, 2**32 - 1), periodic=st.sampled_from(PERIODIC), skew=st.sampled_from([0.0, 0.5, 1.5]))
def test_no_contact_through_any_image_is_missed(seed, periodic, skew):
    rng = np.random.default_rng(seed)
    cell = np.diag(rng.uniform(1.5, 5.0, 3)) + np.triu(skew * rng.uniform(-3, 3, (3, 3)), 1)
    cell = cell @ np.linalg.qr(rng.normal(size=(3, 3)))[0]
    positions = (rng.uniform(size=(4, 3)) + rng.integers(-2, 3, (4, 3)) * periodic) @ cell
    within, found = 1.0, closest_pair(positions, cell, periodic, 1.0)[2]
    expected = by_hand(positions, cell, periodic, 10)
    assert found == pytest.approx(expected) if expected < within else found >= within


def test_a_contact_across_a_skewed_cell_is_found():
    cell = np.array([[6.0, 0, 0], [3.0, 1.2, 0], [0, 0, 9]])
    positions = np.array([[0.0, 0, 0], [5.6411, 0.8937, 0.0134]])  # rounding alone would find 3.37 Å
    assert closest_pair(positions, cell, (True, True, True), 1.0) == (0, 1, pytest.approx(0.963, abs=0.001))


def test_an_atom_too_close_to_its_own_image_is_found():
    assert closest_pair(np.zeros((1, 3)), np.diag([9.0, 0.7, 9.0]), (True, True, True), 1.0) == (0, 0, 0.7)


def test_two_sides_of_a_slab_do_not_touch():
    positions = np.array([[0.0, 0, 0.1], [0, 0, 8.9]])
    for normal in ([0.0, 0, 9], [0, 0, 0]):
        cell = np.array([[9.0, 0, 0], [0, 9, 0], normal])
        assert closest_pair(positions, cell, (True, True, False), 1.0)[2] == pytest.approx(8.8)
