import numpy as np
import pytest

from rfp_md.random_features.activations import ACTIVATIONS
from rfp_md.random_features.sincos import sincos


@pytest.mark.parametrize("name", [name for name, activation in ACTIVATIONS.items() if activation.smooth])
def test_slopes_are_the_derivatives_of_the_values(name, rng):
    z, step = 3 * rng.normal(size=(20, 7)), 1e-5
    evaluate = ACTIVATIONS[name].evaluate
    numerical = (evaluate(z + step)[0] - evaluate(z - step)[0]) / (2 * step)
    np.testing.assert_allclose(evaluate(z)[1], numerical, atol=1e-9)


def test_relu_declares_that_it_is_not_smooth():
    value, slope = ACTIVATIONS["relu"].evaluate(np.array([-1.0, 2.0]))
    assert (value.tolist(), slope.tolist(), ACTIVATIONS["relu"].smooth) == ([0, 2], [0, 1], False)


@pytest.mark.parametrize("size", [1e-3, 1.0, 30.0, 1e4])
def test_compiled_sine_and_cosine_are_exact_to_rounding(size, rng):
    angles = size * rng.normal(size=(11, 13))
    sine, cosine = sincos(angles)
    np.testing.assert_allclose(sine, np.sin(angles), atol=4e-16 + 1e-16 * size)
    np.testing.assert_allclose(cosine, np.cos(angles), atol=4e-16 + 1e-16 * size)


def test_angles_that_are_not_contiguous_or_not_finite_are_no_trap(rng):
    angles = rng.normal(size=(6, 8))[:, ::2]
    np.testing.assert_allclose(sincos(angles)[0], np.sin(angles), atol=1e-15)
    assert np.isnan(sincos(np.array([np.nan, np.inf]))).all()
