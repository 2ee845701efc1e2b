"""The number of features that a time pays for: the machine's rates are measured, and the work is counted.

    seconds(K) = d S + r S D + g R D² + F (p K² + f K³)

for K of D drawn features: S structures are described and their rows made, R rows go into Gram matrices, F systems are
solved; a selection of features counts as some more.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
from scipy.linalg.lapack import dpotrf

from rfp_md.errors import UserError
from rfp_md.linalg.gram import Gram, weighted_sum
from rfp_md.linalg.memory import available_memory
from rfp_md.linalg.ridge import Ridge
from rfp_md.regressors.base import Regressor, Samples
from rfp_md.regressors.features import FeatureRegressor
from rfp_md.regressors.fitting.choose import USUAL_SOLVES
from rfp_md.regressors.fitting.plan import Survey
from rfp_md.regressors.fitting.rows import rows_of

LEAST, MOST = 100, 20_000  # features that are ever chosen
SHARE = 0.9  # of the time, which reading and this probe take too, and of the memory, for others want some
SURVEY_FRAMES = 200  # structures that the probe's features are drawn from
PROBE_FRAMES, PROBE_BATCH, PROBE_WIDTH = 16, 4, 1000
PROBE_ROWS, PROBE_SIZE = 500, 2000  # of the Gram matrix
REPEATS = 3
SELECTION_SOLVES = 3  # solutions of a system that take as long as a selection, for each feature that is drawn and kept


@dataclass(frozen=True)
class Work:
    """What a fit has to do.

    Attributes:
        structures: whose rows are made: each training structure once, a validation structure several times.
        rows: that go into Gram matrices.
        solves: systems that are solved, one for each λ and each weight that is tried, and the last one.
        pool: features that are drawn for each one that is kept.
    """

    structures: int
    rows: int
    solves: int
    pool: float = 1.0


@dataclass(frozen=True)
class Rates:
    """Seconds that one unit of work takes on this machine.

    Attributes:
        describe: for each structure.
        features: for each structure and feature.
        gram: for each row and pair of features.
        passes: for each solve and pair of features: copies, sums and refinement.
        factor: for each solve and triple of features.
    """

    describe: float
    features: float
    gram: float
    passes: float
    factor: float


@dataclass(frozen=True)
class WidthChoice:
    """Widths of the terms, and the seconds that their fit is estimated to take."""

    widths: list[int]
    seconds: float


def choose_widths(regressor: Regressor, train: Samples, valid: Samples, n_terms: int, budget: float) -> WidthChoice:
    """The most features, up to 20,000, whose fit is estimated to stay within the time and within the memory.

    Args:
        n_terms: which get the same number each.
        budget: seconds.

    Raises:
        UserError: a fit of 100 features takes longer already, or the regressor is not linear in random features.
    """
    if not isinstance(regressor, FeatureRegressor):
        raise UserError(f"--time-budget: the time of regressor '{regressor.name}' cannot be estimated; give it a width")
    survey = regressor.survey(train, valid, _generator(), SURVEY_FRAMES)
    work, rates = count(regressor, survey), measure(regressor, train, survey, n_terms)
    time_limit, memory_limit = SHARE * budget, SHARE * available_memory()
    least = seconds(LEAST, work, rates)
    if least > time_limit:
        raise UserError(f"--time-budget: a fit of only {LEAST} features takes about {least:.2g} s; give it more time")

    def fits(width: int) -> bool:
        needed = regressor.plan(survey, _split(width, n_terms)).bytes_needed
        return seconds(width, work, rates) <= time_limit and needed <= memory_limit

    width = max(LEAST, largest(fits, MOST))
    return WidthChoice(_split(width, n_terms), seconds(width, work, rates))


def seconds(width: int, work: Work, rates: Rates) -> float:
    """What a fit of so many features is estimated to take; it grows with the width."""
    drawn = work.pool * width
    rows = work.structures * (rates.describe + drawn * rates.features) + work.rows * drawn**2 * rates.gram
    solves = work.solves + (SELECTION_SOLVES * work.pool if work.pool > 1.0 else 0.0)
    return rows + solves * (width**2 * rates.passes + width**3 * rates.factor)


def largest(fits: Callable[[int], bool], most: int) -> int:
    """The largest number up to ``most`` that fits, where all smaller ones do too; a round one above 1000. 0 if none."""
    low, high = 0, most + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low if low < 1000 else low // 100 * 100


def count(regressor: FeatureRegressor, survey: Survey) -> Work:
    """The work of ``FeatureRegressor.fit``: some λ, one other force weight and one other stress weight, as a rule."""
    weights = [regressor.force_weights] * bool(survey.n_slopes) + [regressor.stress_weights] * bool(survey.n_strains)
    tried = min(len(regressor.regularization), USUAL_SOLVES) + sum(len(some) > 1 for some in weights)
    return Work(
        structures=survey.n_train + (tried + 1) * survey.n_valid,
        rows=sum(survey.n_rows),
        solves=tried + 1,
        pool=regressor.pool,
    )


def measure(regressor: FeatureRegressor, train: Samples, survey: Survey, n_terms: int) -> Rates:
    """A probe of a second or two: rows of a few structures, a small Gram matrix and its solution."""
    describe, features = _rates_of_rows(regressor, train, survey, n_terms)
    rows = _generator().normal(size=(PROBE_ROWS, PROBE_SIZE))
    gram = Gram(PROBE_SIZE)
    gram.add(rows, rows[:, 0])  # so that its pages are there
    matrix, _ = weighted_sum([gram], [1.0])
    matrix[np.diag_indices(PROBE_SIZE)] += matrix.diagonal().max()

    add = _time(lambda: gram.add(rows, rows[:, 0]))
    solve = _time(lambda: Ridge(*weighted_sum([gram], [1.0])).cholesky(1.0))
    factor = _time(lambda: dpotrf(matrix, lower=1, clean=0))
    return Rates(
        describe=describe,
        features=features,
        gram=add / (PROBE_ROWS * PROBE_SIZE**2),
        passes=max(0.0, solve - factor) / PROBE_SIZE**2,
        factor=factor / PROBE_SIZE**3,
    )


def _rates_of_rows(regressor: FeatureRegressor, train: Samples, survey: Survey, n_terms: int) -> tuple[float, float]:
    """Seconds for describing a structure, and for one feature's rows of it."""
    blocks = regressor.draw_blocks(regressor.plan(survey, _split(PROBE_WIDTH, n_terms)).kept, _generator())
    some = train.some(PROBE_FRAMES, _generator())
    batches = list(some.batches(PROBE_BATCH, derivatives=regressor.smooth))

    def rows() -> None:
        for batch in batches:
            deque(rows_of(blocks, batch), maxlen=0)

    def derivatives() -> None:  # by neighbour, they are made when rows are
        for near in (sites.by_neighbour for batch in batches for sites in batch.terms if sites.by_neighbour):
            near.blocks(slice(0, len(near.sites)))

    rows()  # compiled code is loaded here
    made = _time(derivatives)
    describe = made + _time(lambda: list(some.batches(PROBE_BATCH, derivatives=regressor.smooth)))
    features = max(0.0, _time(rows) - made)
    return describe / len(some), features / (len(some) * blocks[-1].columns.stop)


def _time(work: Callable[[], Any]) -> float:
    """The seconds that some work takes, the median of several."""
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return median(times)


def _split(width: int, n_terms: int) -> list[int]:
    return [max(1, width // n_terms)] * n_terms


def _generator() -> np.random.Generator:
    """One of its own: the same widths, however they were chosen, are to give the same model."""
    return np.random.default_rng(0)
