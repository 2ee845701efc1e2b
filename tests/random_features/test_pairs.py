import numpy as np
import pytest

from rfp_md.random_features.activations import ACTIVATIONS
from rfp_md.random_features.pairs import sample_pairs, weights_from_pairs


def test_thesis_weights_follow_equation_2_47(rng):
    start, end = rng.normal(size=(2, 50, 4))
    weights, biases = weights_from_pairs(start, end, "thesis", ACTIVATIONS["tanh"], scale=1.0)
    alpha, beta = 2 * np.log(1.5), np.log(1.5)
    apart = start - end
    np.testing.assert_allclose(weights, alpha * apart / (apart**2).sum(1, keepdims=True))
    np.testing.assert_allclose(biases, -beta - (weights * start).sum(1))


@pytest.mark.parametrize("name", list(ACTIVATIONS))
@pytest.mark.parametrize("scale", [1.0, 0.2])
def test_swim_pre_activations_span_what_the_activation_asks_for(name, scale, rng):
    start, end = rng.normal(size=(2, 50, 4))
    weights, biases = weights_from_pairs(start, end, "swim", ACTIVATIONS[name], scale)
    low, high = ACTIVATIONS[name].span
    middle, half = (low + high) / 2, scale * (high - low) / 2
    np.testing.assert_allclose((weights * start).sum(1) + biases, middle - half, atol=1e-12)
    np.testing.assert_allclose((weights * end).sum(1) + biases, middle + half, atol=1e-12)


@pytest.mark.parametrize("heuristic", ["uniform", "finite_difference"])
def test_pairs_are_distinct_points_of_one_place(heuristic, rng):
    points = np.repeat(rng.normal(size=(30, 3)), 2, axis=0)  # every point twice, as duplicate frames are
    places = np.arange(60) % 2
    first, second = sample_pairs(points, points.sum(1), places, 200, heuristic, 4, rng)
    assert len(first) == 200
    assert (np.linalg.norm(points[first] - points[second], axis=1) > 0).all()
    np.testing.assert_array_equal(places[first], places[second])


def test_finite_differences_prefer_steep_pairs(rng):
    points = rng.uniform(-1, 1, size=(400, 1))
    outputs = np.where(points[:, 0] > 0, 1.0, 0.0)
    first, second = sample_pairs(points, outputs, np.zeros(400, int), 300, "finite_difference", 10, rng)
    assert (outputs[first] != outputs[second]).all()


def test_equal_outputs_give_no_finite_difference_pairs(rng):
    first, _ = sample_pairs(rng.normal(size=(9, 2)), np.ones(9), np.zeros(9, int), 5, "finite_difference", 2, rng)
    assert len(first) == 0


def test_identical_points_give_no_pairs(rng):
    first, _ = sample_pairs(np.ones((5, 2)), np.zeros(5), np.zeros(5, int), 10, "uniform", 2, rng)
    assert len(first) == 0
