import numpy as np
import pytest
from scipy.special import eval_legendre

from rfp_md.atomic_basis.harmonics import harmonics, prefactors, room_for

L_MAX = 6
STEP = 1e-5


def at(vector):
    size = (L_MAX + 1) ** 2
    values, gradients = np.zeros(size), np.zeros((3, size))
    distance = np.linalg.norm(vector)
    harmonics(np.asarray(vector) / distance, prefactors(L_MAX), room_for(L_MAX + 1), values, gradients)
    return values, gradients / distance


@pytest.mark.parametrize("degree", range(L_MAX + 1))
def test_the_addition_theorem_holds(rng, degree):
    first, second = rng.normal(size=(2, 3))
    part = slice(degree**2, (degree + 1) ** 2)
    cosine = first @ second / np.linalg.norm(first) / np.linalg.norm(second)
    assert at(first)[0][part] @ at(second)[0][part] == pytest.approx(eval_legendre(degree, cosine), abs=1e-13)


@pytest.mark.parametrize("vector", [(0.3, -1.2, 0.7), (0.0, 0.0, 1.0), (0.0, 0.0, -2.0), (1.5, 0.0, 0.0)])
def test_gradients_agree_with_central_differences_also_on_the_axes(vector):
    for x in range(3):
        step = STEP * np.eye(3)[x]
        numerical = (at(vector + step)[0] - at(vector - step)[0]) / (2 * STEP)
        np.testing.assert_allclose(at(vector)[1][x], numerical, atol=1e-8)
