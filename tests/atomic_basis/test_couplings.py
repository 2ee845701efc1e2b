import numpy as np
from scipy.spatial.transform import Rotation

from rfp_md.atomic_basis import expansion
from rfp_md.atomic_basis.basis import Basis
from rfp_md.atomic_basis.couplings import ChannelLayout, couplings


def test_every_product_is_invariant_under_rotations(rng):
    basis = Basis.of(2, 2, 3, 0.8, 5.0, channels=3)
    mixing = rng.normal(size=(1, basis.layout.channels[0], sum(basis.layout.channels)))
    found = couplings(basis.layout, basis.layout.channels, basis.layout.limited(3)[:3])
    vectors = rng.normal(size=(6, 3))
    values = []
    for turn in (np.eye(3), Rotation.random(rng=rng).as_matrix()):
        density = expansion.densities(vectors @ turn, np.array([0, 1, 0, 1, 1, 0]), np.array([0, 6]), basis.arrays)
        mixed = expansion.mix(density, np.array([0]), mixing, basis.arrays)
        values.append(expansion.invariants(mixed, *found.products, len(found.orders)))
    np.testing.assert_allclose(values[0], values[1], atol=1e-12)
    assert (np.abs(values[0]) > 1e-12).all()
    assert set(found.orders) == {1, 2, 3}


def test_products_are_counted_once():
    found = couplings(ChannelLayout((3, 2)), (2, 2), ())
    assert np.bincount(found.orders).tolist() == [0, 3, 6]  # three channels; three pairs of channels for l = 0 and 1
    assert len(found.outputs) == 3 + 3 + 3 * 3


def test_mirror_images_cannot_be_told_apart_by_three_neighbours_that_are_coupled_to_odd_l():
    found = couplings(ChannelLayout((1, 1)), (), (1, 1))
    sums = {tuple(factors) for factors in found.factors[found.orders[found.outputs] == 3].tolist()}
    assert (1, 1, 1) in sums  # l = 0, 0, 0
    assert (2, 3, 4) not in sums  # l = 1, 1, 1 changes sign under inversion
