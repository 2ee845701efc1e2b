"""Derivatives by neighbour say what dense ones say."""

import numpy as np
import pytest

from rfp_md.sites import NeighbourJacobian, Sites

M, S, D, C = 2, 3, 4, 5


@pytest.fixture
def both(rng):
    """The same derivatives, half of the blocks zero, dense (M, S, D, C, 3) and by neighbour."""
    dense = rng.normal(size=(M, S, D, C, 3)) * (rng.uniform(size=(M, S, 1, C, 1)) < 0.5)
    found = [(m, c, s) for m in range(M) for c in range(C) for s in range(S) if dense[m, s, :, c].any()]
    blocks = np.array([dense[m, s, :, c] for m, c, s in found])
    counts = np.bincount([m * C + c for m, c, _ in found], minlength=M * C)
    sites = np.array([m * S + s for m, _, s in found])
    return dense, NeighbourJacobian(sites, np.concatenate([[0], np.cumsum(counts)]), blocks.__getitem__)


def test_the_dense_jacobian_is_made_where_a_regressor_asks_for_it(both, rng):
    dense, near = both
    sites = Sites(rng.normal(size=(M, S, D)), np.zeros(S, dtype=np.int64), by_neighbour=near)
    np.testing.assert_array_equal(sites.jacobian, dense.reshape(M, S, D, -1))
    assert sites.jacobian_numbers == 3 * D * len(near.sites) < dense.size


def test_a_pullback_follows_from_the_blocks(both, rng):
    dense, near = both
    gradient = rng.normal(size=(M, S, D))
    np.testing.assert_allclose(near.pullback(gradient), np.einsum("msd,msdcx->mcx", gradient, dense), atol=1e-14)


def test_the_derivative_along_a_motion_is_the_same_of_both(both, rng):
    dense, near = both
    values, types, motion = rng.normal(size=(M, S, D)), np.zeros(S, dtype=np.int64), rng.normal(size=(M, C, 3))
    expected = np.einsum("msdcx,mcx->msd", dense, motion)
    for sites in (Sites(values, types, dense.reshape(M, S, D, -1)), Sites(values, types, by_neighbour=near)):
        np.testing.assert_allclose(sites.along(motion), expected, atol=1e-14)


def test_sites_without_derivatives_have_none(rng):
    assert Sites(rng.normal(size=(M, S, D)), np.zeros(S, dtype=np.int64)).jacobian is None
