import numpy as np
import pytest

from rfp_md.random_features.spectral import sample_frequencies

KERNELS = {
    "gaussian": lambda r: np.exp(-(r**2).sum() / 2),
    "matern12": lambda r: np.exp(-np.linalg.norm(r)),
    "matern32": lambda r: (1 + 3**0.5 * np.linalg.norm(r)) * np.exp(-(3**0.5) * np.linalg.norm(r)),
    "matern52": lambda r: (
        (1 + 5**0.5 * np.linalg.norm(r) + 5 * (r**2).sum() / 3) * np.exp(-(5**0.5) * np.linalg.norm(r))
    ),
    "laplace": lambda r: np.exp(-np.abs(r).sum()),
}


@pytest.mark.parametrize("kernel", list(KERNELS))
def test_cosines_of_the_frequencies_average_to_the_kernel(kernel, rng):
    frequencies = sample_frequencies(kernel, (200_000, 3), rng)
    for r in (np.array([0.3, -0.2, 0.1]), np.array([1.0, 0.5, -0.5])):
        assert np.cos(frequencies @ r).mean() == pytest.approx(KERNELS[kernel](r), abs=0.01)
