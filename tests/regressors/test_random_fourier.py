"""Features that see a few components each."""

import numpy as np

from rfp_md.random_features.feature_map import FeatureMap
from rfp_md.regressors.fitting.site_pools import SitePool
from rfp_md.regressors.random_fourier import RandomFourier


def test_a_feature_sees_more_components_than_it_may(rng):
    points = rng.normal(size=(200, 12)) * np.geomspace(10.0, 0.1, 12)
    pool = SitePool(0, 1, 96, points, np.zeros(200), np.zeros(200, int), np.arange(200), np.ones((1, 12), bool))
    weights, biases = RandomFourier(sees=4).draw(pool, rng)
    assert weights.shape == (96, 12)
    assert ((weights != 0).sum(axis=1) == 4).all()
    bundles = np.unique(weights[:32] != 0, axis=0)
    assert len(bundles) == 1
    features = FeatureMap(weights, biases, "cos")
    assert [part.stop - part.start for part in features.pieces(1000)] == [32, 32, 32]
    derivatives = rng.normal(size=(5, 3, 12))
    some = features.some(slice(0, 32))
    product = some.directions(points, np.arange(5), derivatives)
    np.testing.assert_allclose(product, derivatives @ weights[:32].T, atol=1e-12)
