import numpy as np
import pytest

from rfp_md.random_features.cosines import Cosines


@pytest.fixture
def features(rng):
    """Features of 7 components: some see all of them, some three, some a single one, one none."""
    weights = rng.normal(size=(41, 7))
    weights[5:20, [0, 2, 3, 6]] = 0.0
    weights[20:30, 1:] = 0.0
    weights[30] = 0.0
    return rng.permutation(weights), rng.uniform(0, 7, 41)


@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.parametrize("n_sites", [1, 4, 5000])
def test_the_compiled_sums_are_those_of_the_formula(features, n_sites, n_outputs, rng):
    weights, biases = features
    sites, coefficients = rng.normal(size=(n_sites, 7)), rng.normal(size=(41, n_outputs))
    values, gradients = Cosines.of(weights, biases).contract(sites, coefficients)
    angles = sites @ weights.T + biases
    np.testing.assert_allclose(values, np.cos(angles) @ coefficients, atol=1e-12)
    slopes = np.einsum("sk,kp,kd->psd", -np.sin(angles), coefficients, weights)
    np.testing.assert_allclose(gradients, slopes, atol=1e-12)


def test_only_the_components_that_a_feature_sees_are_multiplied(features):
    weights = np.zeros((6, 40))
    weights[:3, 4:7], weights[3:, 20:23] = 1.0, 2.0
    packed = Cosines.of(weights, np.zeros(6))
    assert packed.weights.shape == (6, 3)
    assert sorted(map(tuple, packed.components)) == [(4, 5, 6), (20, 21, 22)]
