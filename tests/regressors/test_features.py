"""Random-feature regressors on synthetic sites: no atoms, a known function."""

import numpy as np
import pytest

from rfp_md.errors import UserError
from rfp_md.linalg.ridge import Ridge, Solution
from rfp_md.plugins.arrays import Surroundings, Term
from rfp_md.plugins.guard import restored
from rfp_md.progress import Progress
from rfp_md.regressors import features
from rfp_md.regressors.features import MEMBERS
from rfp_md.regressors.fitting.rows import energy_rows, rows_of
from rfp_md.regressors.fitting.scores import Score
from rfp_md.regressors.fitting.solve import Solver
from rfp_md.regressors.fitting.variance_ratio import VarianceRatio
from rfp_md.regressors.random_fourier import RandomFourier
from rfp_md.regressors.rfnn import RandomFeatureNetwork
from rfp_md.sites import Sites
from rfp_md.testing.synthetic import SyntheticSamples, synthetic, whole


class Messages(Progress):
    def __init__(self):
        self.lines = []

    def message(self, text):
        self.lines.append(text)


@pytest.fixture
def samples(rng):
    return synthetic(300, seed=1), synthetic(60, seed=2)


REGRESSORS = [
    RandomFourier(width=300),
    RandomFourier(width=300, kernel="matern52", length_scale="4/8"),
    RandomFeatureNetwork(width=300),
    RandomFeatureNetwork(width=300, weights="thesis"),
    RandomFeatureNetwork(width=300, sampling="finite_difference", activation="sin"),
    RandomFeatureNetwork(width=300, activation="gelu", weight_scale=1.0),
    RandomFeatureNetwork(width=300, activation="cos"),
]


@pytest.mark.parametrize("regressor", REGRESSORS, ids=lambda r: f"{r.name}-{r.activation_name}")
def test_two_terms_are_solved_jointly_and_generalise(regressor, samples, rng):
    train, valid = samples
    regressor.fit(train, valid, [None, 150], rng, Progress())
    test = whole(synthetic(50, seed=3), derivatives=True)
    energies, gradients = regressor.predict(test.terms)
    slopes = sum(np.einsum("msd,msdc->mc", g, t.jacobian) for g, t in zip(gradients, test.terms, strict=True))
    # The energies are known up to a constant only if the mean is; the features can express it.
    assert np.abs(energies - test.energies).mean() < 0.01 * test.energies.std()
    assert np.abs(slopes - test.slopes).mean() < 0.01 * test.slopes.std()


def test_features_see_one_group_of_components_each(samples, rng, monkeypatch):
    train, valid = samples
    dimensions = [sites.values.shape[2] for sites in next(train.batches(1, derivatives=False)).terms]
    groups = np.tril(np.ones((dimensions[0], dimensions[0]), dtype=bool))[1:]
    monkeypatch.setattr(type(train), "groups", [groups, None])
    regressor = RandomFourier(width=400)
    regressor.fit(train, valid, [None, None], rng, Progress())
    seen = {tuple(row) for row in (regressor.state["0.0.weights"] != 0).tolist()}
    assert seen == {tuple(row) for row in groups.tolist()}
    assert (regressor.state["1.0.weights"] != 0).all()


def test_predicted_gradients_are_the_derivatives_of_predicted_energies(samples, rng):
    regressor = RandomFourier(width=200)
    regressor.fit(*samples, [None, None], rng, Progress())
    terms = next(samples[1].batches(3, derivatives=False)).terms
    _, gradients = regressor.predict(terms)
    step = np.zeros_like(terms[0].values)
    step[:, 2, 1] = 1e-5
    up, down = (
        regressor.predict([Sites(terms[0].values + sign * step, terms[0].types), terms[1]])[0] for sign in (1, -1)
    )
    np.testing.assert_allclose(gradients[0][:, 2, 1], (up - down) / 2e-5, atol=1e-7)


def test_slope_rows_are_the_derivatives_of_energy_rows(samples, rng):
    regressor = RandomFourier(width=40)
    regressor.fit(*samples, [None, None], rng, Progress())
    blocks = regressor._blocks()
    r = 0.3 * rng.normal(size=(5, 4))

    def energies(coordinates):
        return energy_rows(blocks, whole(SyntheticSamples(coordinates)).terms)

    slope_rows = next(
        rows.features for rows in rows_of(blocks, whole(SyntheticSamples(r), derivatives=True)) if rows.kind == 1
    )
    step = np.array([0, 0, 1e-5, 0])
    numerical = (energies(r + step) - energies(r - step)) / 2e-5
    np.testing.assert_allclose(slope_rows.reshape(5, 4, -1)[:, 2], numerical, atol=1e-8)


def test_a_saved_state_predicts_the_same(samples, rng):
    regressor = RandomFourier(width=100)
    regressor.fit(*samples, [None, None], rng, Progress())
    restored = RandomFourier(width=100).restore(dict(regressor.state))
    terms = next(samples[1].batches(5, derivatives=False)).terms
    np.testing.assert_array_equal(restored.predict(terms)[0], regressor.predict(terms)[0])


@pytest.mark.parametrize("missing", ["readout", "0.1.biases"])
def test_a_state_that_does_not_fit_together_is_refused(samples, rng, missing):
    regressor = RandomFourier(width=100)
    regressor.fit(*samples, [None, None], rng, Progress())
    state = dict(regressor.state)
    state[missing] = state[missing][:-1]
    terms = [Term(sites.values.shape[2], tuple(set(sites.types.tolist()))) for sites in whole(samples[1]).terms]
    restored(RandomFourier(width=100), dict(regressor.state), Surroundings((1,), 1, tuple(terms)))
    with pytest.raises(ValueError, match=rf"{missing} has shape|by readout one of these"):
        restored(RandomFourier(width=100), state, Surroundings((1,), 1, tuple(terms)))


def test_relu_is_fitted_to_energies_only(samples, rng):
    regressor = RandomFeatureNetwork(width=300, activation="relu", weight_scale=1.0)
    fitted = regressor.fit(*samples, [None, None], rng, Progress())
    assert not regressor.smooth
    assert fitted["force_weight"] is None
    spread = whole(samples[1]).energies.std()
    assert fitted["valid_energy_mae_ev"] < 0.3 * spread


@pytest.mark.parametrize(
    ("best", "tried"),
    [
        (1e-6, [1e-7, 1e-8, 1e-6, 1e-5]),
        (1e-7, [1e-7, 1e-8, 1e-6]),
        (1e-9, [1e-7, 1e-8, 1e-9]),
        (1e-4, [1e-7, 1e-8, 1e-6, 1e-5, 1e-4, 1e-3]),
        (1e-3, [1e-7, 1e-8, 1e-6, 1e-5, 1e-4, 1e-3]),
    ],
)
def test_regularizations_are_tried_as_long_as_the_error_falls(samples, rng, monkeypatch, best, tried):
    seen = []

    def score(blocks, candidate, *rest, **options):
        seen.append(candidate.regularization)
        return Score(None, None, None, abs(np.log10(candidate.regularization / best)))

    monkeypatch.setattr("rfp_md.regressors.features.score", score)
    regressor = RandomFourier(width=20, regularization="/".join(f"1e-{k}" for k in range(3, 10)), force_weights=1.0)
    report = regressor.fit(*samples, [None, None], rng, Progress())
    assert seen == pytest.approx(tried)
    assert report["regularization"] == pytest.approx(best)


def test_few_rows_try_every_regularization(samples, rng, monkeypatch):
    """The error may have several minima where a fit comes close to every target."""
    seen = []
    errors = {1e-9: 5.0, 1e-8: 3.0, 1e-7: 4.0, 1e-6: 2.0, 1e-5: 1.0}

    def score(blocks, candidate, *rest, **options):
        seen.append(candidate.regularization)
        return Score(None, None, None, errors[candidate.regularization])

    monkeypatch.setattr("rfp_md.regressors.features.score", score)
    grid = "/".join(f"{value:g}" for value in errors)
    report = RandomFourier(width=1000, regularization=grid, force_weights=1.0).fit(
        *samples, [None, None], rng, Progress()
    )
    assert sorted(seen) == sorted(errors)
    assert report["regularization"] == 1e-5


def test_a_failed_factorisation_is_reported_and_survived(samples, rng):
    progress = Messages()
    regressor = RandomFourier(width=300, length_scale=3000.0, regularization="1e-25/1e-6")
    fitted = regressor.fit(*samples, [None, None], rng, progress)
    assert any("Cholesky failed for 1 of 2" in line for line in progress.lines)
    assert fitted["regularization"] == 1e-6
    assert fitted["failed_factorisations"] == 1


def test_a_little_more_regularization_comes_before_an_eigendecomposition(samples, rng):
    progress = Messages()
    regressor = RandomFourier(width=300, length_scale=3000.0, regularization=1e-15)
    fitted = regressor.fit(*samples, [None, None], rng, progress)
    assert fitted["solver"] == "cholesky"
    assert 1e-15 < fitted["regularization"] < 1.1e-13
    assert fitted["failed_factorisations"] > 0
    assert any("trying regularization 1e-14 instead" in line for line in progress.lines)


def test_when_every_factorisation_fails_eigenvalues_take_over(samples, rng):
    progress = Messages()
    regressor = RandomFourier(width=300, length_scale=3000.0, regularization=1e-25)
    fitted = regressor.fit(*samples, [None, None], rng, progress)
    assert fitted["solver"] == "eigenvalues"
    assert any("falling back to an eigendecomposition" in line for line in progress.lines)


def test_a_fit_that_cannot_fit_into_memory_is_refused_before_it_starts(samples, rng):
    with pytest.raises(UserError, match=r"the fit needs about .* GB, but .* lower the width"):
        RandomFourier(width=10_000_000).fit(*samples, [None, 1], rng, Progress())


def test_a_network_that_finds_fewer_pairs_than_its_width_is_smaller(samples, rng):
    regressor = RandomFeatureNetwork(width=200, pair_multiplicity=1)
    few = synthetic(3, seed=1)
    fitted = regressor.fit(few, samples[1], [None, None], rng, Progress())
    assert fitted["width"] < 200
    assert len(regressor.state["committee"]) == fitted["width"]


def test_frames_that_are_all_the_same_give_no_pairs(rng):
    same = SyntheticSamples(np.ones((20, 4)))
    with pytest.raises(UserError, match="no two training frames that differ"):
        RandomFeatureNetwork(width=10).fit(same, same, [None, None], rng, Progress())


@pytest.mark.parametrize("regularization", ["1e-8", "1e-10/1e-6"])
def test_the_scale_makes_squared_errors_as_large_as_variances_on_validation(samples, rng, monkeypatch, regularization):
    """For the solve without them: the last one, with them, is replaced by the chosen one."""
    chosen = []
    choose, solve = features.choose, Solver.solve
    monkeypatch.setattr(features, "choose", lambda *a, **options: chosen.append(choose(*a, **options)) or chosen[0])
    monkeypatch.setattr(Solver, "solve", lambda *a: chosen[0].solution if chosen else solve(*a))
    regressor = RandomFourier(width=100, regularization=regularization)
    regressor.fit(*samples, [None, None], rng, Progress())
    valid = whole(samples[1], derivatives=True)
    energies, gradients = regressor.committee(valid.terms)
    members = sum(
        np.einsum("pmsd,msdc->pmc", g, np.asarray(t.jacobian)[..., : valid.slopes.shape[1]])
        for g, t in zip(gradients, valid.terms, strict=True)
    )
    ratios = (members.mean(axis=0) - valid.slopes) ** 2 / members.var(axis=0, ddof=1)
    assert ratios.mean() == pytest.approx(1.0, rel=1e-6)
    assert len(energies) == MEMBERS


def test_what_is_zero_by_symmetry_does_not_calibrate():
    rows = np.array([[1.0, 0.0], [0.0, 1e-12]])
    ratio = VarianceRatio(Solution(np.zeros(2), 0.0, "cholesky", 0.0, np.array([[1.0, -1.0], [1.0, -1.0]])))
    ratio.add(rows, np.array([2.0, 1e-3]))
    assert ratio.mean() == pytest.approx(2.0)  # 4 / 2; the second would say 5e17
    none = VarianceRatio(Solution(np.zeros(2), 0.0, "dual", 0.0))
    none.add(rows, np.zeros(2))
    assert none.mean() is None


def test_a_fit_by_eigenvalues_has_a_committee_too(samples, rng, monkeypatch):
    monkeypatch.setattr(Ridge, "cholesky", lambda *a: None)
    regressor = RandomFourier(width=100)
    report = regressor.fit(*samples, [None, None], rng, Progress())
    assert report["solver"] == "eigenvalues"
    deviations = regressor.deviations(next(samples[1].batches(5, derivatives=False)).terms)
    assert (deviations > 0).all()
