"""Regressors to compare with: kernel ridge, Gaussian process, linear; and fits of many outputs at once."""

import dataclasses

import numpy as np
import pytest

from rfp_md.errors import UserError
from rfp_md.progress import Progress
from rfp_md.random_features.radial import RADIAL
from rfp_md.regressors.base import Samples
from rfp_md.regressors.covariance import ScaledSites, covariance, cross_covariance, prior_variances
from rfp_md.regressors.gaussian_process import GaussianProcess
from rfp_md.regressors.kernel_ridge import KernelRidge
from rfp_md.regressors.linear import Linear
from rfp_md.regressors.random_fourier import RandomFourier
from rfp_md.regressors.rfnn import RandomFeatureNetwork
from rfp_md.sites import Sites
from rfp_md.testing import check_regressor
from rfp_md.testing.synthetic import synthetic, whole


@pytest.mark.parametrize(
    "regressor",
    [
        Linear(),
        KernelRidge(),
        KernelRidge(kernel="matern52"),
        GaussianProcess(),
        # Nearly singular by nature: with less noise its energies are rounded to 1e-7 eV.
        GaussianProcess(kernel="gaussian", noise=1e-6),
    ],
    ids=lambda r: f"{r.name}-{getattr(r, 'kernel', '')}",
)
def test_the_kit_finds_no_defect(regressor):
    check_regressor(regressor)


@pytest.mark.parametrize("kernel", list(RADIAL))
def test_radial_functions_are_their_derivatives(kernel):
    r = np.linspace(0.1, 4, 50)
    step = 1e-5
    above, below = RADIAL[kernel]((r + step) ** 2), RADIAL[kernel]((r - step) ** 2)
    _, slope, curvature = RADIAL[kernel](r**2)
    np.testing.assert_allclose(-(above[0] - below[0]) / (2 * step) / r, slope, atol=1e-9)
    np.testing.assert_allclose(-(above[1] - below[1]) / (2 * step) / r, curvature, atol=1e-8)


class Coordinates:
    """Two sites of three components that depend on four coordinates, x = A r + (B r)²."""

    def __init__(self, rng):
        self.a, self.b = rng.normal(size=(2, 2, 3, 4))

    def group(self, r):
        inner = np.einsum("sdc,mc->msd", self.b, r)
        values = np.einsum("sdc,mc->msd", self.a, r) + inner**2
        return ScaledSites(values, self.a + 2 * inner[..., None] * self.b)


@pytest.mark.parametrize("kernel", list(RADIAL))
def test_covariances_of_slopes_are_derivatives_of_covariances_of_energies(kernel, rng):
    sites, r, step = Coordinates(rng), 0.3 * rng.normal(size=(3, 4)), 1e-4

    def energies(left, right):
        bare = [ScaledSites(sites.group(x[None]).values) for x in (left, right)]
        return cross_covariance([bare[0]], [bare[1]], kernel)[0, 0]

    units = step * np.eye(4)
    full = np.tril(covariance([sites.group(r)], kernel, Progress()))
    full += np.tril(full, -1).T
    for m in range(3):
        for n in range(3):
            assert full[m, n] == pytest.approx(energies(r[m], r[n]))
            slope = [(energies(r[m], r[n] + u) - energies(r[m], r[n] - u)) / (2 * step) for u in units]
            np.testing.assert_allclose(full[m, 3 + 4 * n : 7 + 4 * n], slope, atol=1e-6)
            mixed = [
                [
                    sum(s * t * energies(r[m] + s * u, r[n] + t * v) for s in (1, -1) for t in (1, -1)) / (4 * step**2)
                    for v in units
                ]
                for u in units
            ]
            # At zero distance Matérn's next derivative jumps, and the difference quotient is of first order only.
            tolerance = 1e-5 if m != n else 1e-2
            np.testing.assert_allclose(full[3 + 4 * m : 7 + 4 * m, 3 + 4 * n : 7 + 4 * n], mixed, atol=tolerance)
    crossed = cross_covariance([sites.group(r)], [sites.group(r)], kernel)
    np.testing.assert_allclose(crossed, full[:3], atol=1e-12)
    np.testing.assert_allclose(prior_variances([sites.group(r)], kernel), np.diag(full)[:3])


def test_a_gaussian_process_knows_where_it_does_not_know(rng):
    regressor = GaussianProcess(variance=True)
    train = synthetic(60, seed=0)
    regressor.fit(train, synthetic(20, seed=1), [None, None], rng, Progress())
    near, far = whole(train).terms, whole(synthetic(60, seed=3)).terms
    far = [Sites(4.0 * sites.values, sites.types) for sites in far]
    assert regressor.deviations(near).max() < 1e-2 * np.median(regressor.deviations(far))
    again = GaussianProcess(variance=True).restore(dict(regressor.state))
    np.testing.assert_array_equal(again.deviations(far), regressor.deviations(far))


def test_a_gaussian_process_without_variance_says_how_to_get_one(rng):
    regressor = GaussianProcess()
    regressor.fit(synthetic(20, seed=0), synthetic(5, seed=1), [None, None], rng, Progress())
    with pytest.raises(UserError, match="gaussian_process:variance=true"):
        regressor.deviations(whole(synthetic(2, seed=2)).terms)


def test_a_gaussian_process_refuses_by_size_with_the_numbers(rng):
    class Many(Samples):
        n_coordinates = 60

        def __len__(self):
            return 100_000

        def batches(self, size, *, derivatives):
            raise AssertionError("nothing is computed before the refusal")

        some = None

    with pytest.raises(UserError, match=r"the fit needs about .* GB, but .* GB are available; .* fewer frames"):
        GaussianProcess().fit(Many(), synthetic(5, seed=1), [None], rng, Progress())


def test_a_width_for_a_linear_model_is_refused():
    with pytest.raises(ValueError, match="as many features as the sites have components"):
        Linear(width=3)


@dataclasses.dataclass(frozen=True, eq=False)
class Direct(Samples):
    """The energies of synthetic structures, twice, as outputs."""

    inner: Samples
    n_coordinates = 4

    def __len__(self):
        return len(self.inner)

    def some(self, most, rng):
        return Direct(self.inner.some(most, rng))

    def batches(self, size, *, derivatives):
        for batch in self.inner.batches(size, derivatives=derivatives):
            yield dataclasses.replace(batch, outputs=np.stack([batch.energies, -3.0 * batch.energies], axis=1))


@pytest.mark.parametrize("width", [100, 600])  # fewer and more features than the 400 samples
@pytest.mark.parametrize("relative", [True, False])
@pytest.mark.parametrize("kind", [RandomFourier, RandomFeatureNetwork])
def test_many_outputs_are_fitted_at_once(kind, width, relative, rng):
    regressor = kind(width=width, relative=relative)
    report = regressor.fit_outputs(
        Direct(synthetic(350, seed=0)), Direct(synthetic(50, seed=1)), [None, None], rng, Progress()
    )
    assert report["solver"] == ("dual" if width > 400 else "cholesky")
    test = next(Direct(synthetic(50, seed=2)).batches(50, derivatives=False))
    again = kind(width=width, relative=relative).restore(dict(regressor.state))
    outputs = again.predict_outputs(test.terms)
    assert np.abs(outputs - test.outputs).mean() < 0.05 * test.outputs.std()


def test_a_regressor_without_outputs_says_that_it_is_for_conservative_models(rng):
    with pytest.raises(UserError, match="'gaussian_process' is for conservative models only"):
        GaussianProcess().fit_outputs(
            Direct(synthetic(5, seed=0)), Direct(synthetic(5, seed=1)), [None], rng, Progress()
        )
