"""Minimum images against every image within a wide reach; free molecules, crystals, chains and slabs, skewed too."""

from itertools import product

import numpy as np
import pytest
from ase.geometry import find_mic
from hypothesis import given
from hypothesis import strategies as st

from rfp_md.structures.minimum_image import lattice_of, minimum_images, rounded_images

PERIODIC = list(product((False, True), repeat=3))
seeds = st.integers(0, 2**32 - 1)
skews = st.sampled_from([0.0, 0.5, 1.5])


def skewed(rng, skew):
    """A turned cell (3, 3), Å."""
    cell = np.diag(rng.uniform(1.5, 5.0, 3)) + np.triu(skew * rng.uniform(-3, 3, (3, 3)), 1)
    return cell @ np.linalg.qr(rng.normal(size=(3, 3)))[0]


def shortest(vectors, cell, periodic, reach=8):
    """Lengths of the shortest of all images within a reach, after rounding has brought them near."""
    near = rounded_images(vectors[None], cell[None], periodic)[0]
    shifts = np.array(list(product(*(range(-reach * p, reach * p + 1) for p in periodic)))) @ cell
    return np.linalg.norm(near[:, None] + shifts, axis=2).min(axis=1)


@given(seed=seeds, periodic=st.sampled_from(PERIODIC), skew=skews)
def test_no_image_is_shorter(seed, periodic, skew):
    rng = np.random.default_rng(seed)
    cell = skewed(rng, skew)
    vectors = rng.uniform(-2, 2, (5, 3)) @ cell
    found = minimum_images(vectors, cell, periodic)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), shortest(vectors, cell, periodic), atol=1e-9)
    turns = (vectors - found) @ np.linalg.inv(cell)
    np.testing.assert_allclose(turns, np.rint(turns) * np.array(periodic), atol=1e-9)


@given(seed=seeds, periodic=st.sampled_from(PERIODIC), skew=skews)
def test_lattice_vectors_that_are_added_change_nothing(seed, periodic, skew):
    rng = np.random.default_rng(seed)
    cell = skewed(rng, skew)
    vectors = rng.normal(size=(2, 4, 3))
    shifts = rng.integers(-5, 6, (2, 4, 3)) * np.array(periodic) @ cell
    lengths = [np.linalg.norm(minimum_images(v, cell, periodic), axis=2) for v in (vectors, vectors + shifts)]
    np.testing.assert_allclose(*lengths, atol=1e-9)


@pytest.mark.parametrize("periodic", PERIODIC)
def test_a_direction_without_images_needs_no_lattice_vector(periodic, rng):
    cell = np.where(np.array(periodic)[:, None], skewed(rng, 1.5), 0.0)
    vectors = rng.normal(size=(6, 3)) * 5
    expected = find_mic(vectors, cell, periodic)[1]
    np.testing.assert_allclose(np.linalg.norm(minimum_images(vectors, cell, periodic), axis=1), expected, atol=1e-9)


def test_rounding_alone_misses_an_image_across_a_skewed_cell():
    """What the search around it is for."""
    cell, vector = np.array([[6.0, 0, 0], [3.0, 1.2, 0], [0, 0, 9]]), np.array([[5.6411, 0.8937, 0.0134]])
    assert np.linalg.norm(rounded_images(vector[None], cell[None], (True,) * 3)) == pytest.approx(3.37, abs=0.01)
    assert np.linalg.norm(minimum_images(vector, cell, (True,) * 3)) == pytest.approx(0.963, abs=0.001)


@pytest.mark.parametrize(
    ("cell", "within", "around"),
    [
        (np.diag([2.0, 3.0, 4.0]), np.inf, 0),
        (np.array([[9.0, 0, 0], [3, 9, 0], [0, 0, 9]]), 4.0, 0),
        (np.array([[9.0, 0, 0], [3, 9, 0], [0, 0, 9]]), 5.0, 1),
    ],
)
def test_images_are_searched_only_where_rounding_may_miss_one(cell, within, around):
    assert lattice_of(cell, (True, True, True), within).around == around
