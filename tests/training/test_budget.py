"""The width that a time pays for. No test looks at the clock: the rates are given."""

from dataclasses import astuple
from itertools import pairwise

import numpy as np
import pytest

import rfp_md
from rfp_md.errors import UserError
from rfp_md.frames import Dataset
from rfp_md.linalg.ridge import Ridge
from rfp_md.progress import Progress
from rfp_md.regressors.gaussian_process import GaussianProcess
from rfp_md.regressors.random_fourier import RandomFourier
from rfp_md.regressors.rfnn import RandomFeatureNetwork
from rfp_md.testing.synthetic import SyntheticSamples, synthetic
from rfp_md.training import budget
from rfp_md.training.budget import MOST, Rates, Work, choose_widths, count, largest, measure, seconds
from tests.heard import Heard

WORK = Work(structures=1000, rows=28_000, solves=8)
RATES = Rates(describe=1e-3, features=1e-6, gram=2e-11, passes=1e-8, factor=1e-11)
TRAIN, VALID = synthetic(30, seed=1), synthetic(10, seed=2)


@pytest.fixture
def given(monkeypatch):
    """A machine of known speed and plenty of memory."""
    monkeypatch.setattr(budget, "measure", lambda *arguments: RATES)
    monkeypatch.setattr(budget, "available_memory", lambda: 10**12)


def surveyed(regressor):
    return regressor.survey(TRAIN, VALID, np.random.default_rng(0))


def width(time):
    return sum(choose_widths(RandomFourier(), TRAIN, VALID, 2, time).widths)


def test_the_estimate_grows_with_the_width():
    estimates = [seconds(k, WORK, RATES) for k in (0, 1, 100, 1000, 10_000)]
    assert all(small < large for small, large in pairwise(estimates))


def test_more_time_never_gives_fewer_features(given):
    widths = [width(time) for time in (0.2, 0.5, 2, 10, 60, 300, 3600)]
    assert widths == sorted(widths)
    assert widths[0] < widths[-2]


def test_there_are_never_more_than_20000(given):
    assert width(1e9) == MOST


def test_memory_limits_the_width_whatever_the_time(given, monkeypatch):
    monkeypatch.setattr(budget, "available_memory", lambda: 2 * 10**9)
    few = width(1e9)
    assert few < MOST
    assert RandomFourier().plan(surveyed(RandomFourier()), [few // 2] * 2).bytes_needed < 2 * 10**9


def test_a_time_that_is_too_short_is_refused_with_what_is_needed(given):
    with pytest.raises(UserError, match=r"a fit of only 100 features takes about .* s; give it more time"):
        width(1e-6)


def test_a_regressor_whose_time_is_not_known_is_named():
    with pytest.raises(UserError, match="'gaussian_process' cannot be estimated"):
        choose_widths(GaussianProcess(), TRAIN, VALID, 2, 10)


@pytest.mark.parametrize(("limit", "found"), [(0, 0), (1, 1), (999, 999), (1000, 1000), (4567, 4500), (10**9, MOST)])
def test_the_largest_number_that_fits_is_found(limit, found):
    assert largest(lambda k: k <= limit, MOST) == found


class Counted(Progress):
    """Adds up the units of every stage."""

    def __init__(self):
        self.totals = {}

    def start(self, label, total, unit):
        self.totals[unit] = self.totals.get(unit, 0) + total


class CountedSamples(SyntheticSamples):
    """Counts the structures that are asked for with derivatives."""

    asked = 0

    def batches(self, size, *, derivatives):
        type(self).asked += derivatives * len(self)
        return super().batches(size, derivatives=derivatives)


@pytest.mark.parametrize(
    "regressor",
    [
        RandomFourier(width=40),
        RandomFourier(width=40, force_weights="1", regularization="1e-8"),
        RandomFourier(width=40, force_weights="1/2/3/4"),
        RandomFeatureNetwork(width=10, activation="relu", regularization="1e-8/1e-6/1e-4"),
    ],
)
def test_the_work_is_what_a_fit_does(regressor, rng, monkeypatch):
    """But for the λ and weights that need not be tried, or are tried beyond the usual ones."""
    monkeypatch.setattr(CountedSamples, "asked", 0)
    solves = []
    cholesky = Ridge.cholesky
    monkeypatch.setattr(Ridge, "cholesky", lambda *a: solves.append(1) or cholesky(*a))
    train, valid = (CountedSamples(samples.coordinates) for samples in (TRAIN, VALID))
    work, progress = count(regressor, surveyed(regressor)), Counted()
    regressor.fit(train, valid, [None, None], rng, progress)
    assert progress.totals["rows"] == work.rows
    more = len(solves) - work.solves
    assert more == 0 if len(regressor.regularization) == len(regressor.force_weights) == 1 else abs(more) <= 2
    if regressor.smooth:
        assert CountedSamples.asked == work.structures + more * len(valid)


@pytest.mark.parametrize("regressor", [RandomFourier(), RandomFeatureNetwork(activation="relu")])
def test_the_probe_runs_with_and_without_slopes(regressor):
    rates = measure(regressor, TRAIN, surveyed(regressor), 2)
    assert all(np.isfinite(rate) and rate >= 0 for rate in astuple(rates))


def test_a_chosen_width_gives_the_model_that_the_same_width_gives_when_it_is_told(given, ethanol):
    heard, frames = Heard(), Dataset((ethanol[:40],))
    chosen = rfp_md.train(frames, time_budget="1s", regressor="rfnn", progress=heard)
    features = sum(chosen.record["widths"])
    assert any(line.startswith(f"time budget 1s: {features} features") for line in heard.lines)
    told = rfp_md.train(frames, regressor=f"rfnn:width={features}")
    np.testing.assert_array_equal(chosen.regressor.state["readout"], told.regressor.state["readout"])
