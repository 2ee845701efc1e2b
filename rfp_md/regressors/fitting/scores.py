"""Errors of a candidate readout on the validation samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rfp_md.arrays import Floats
from rfp_md.linalg.ridge import Solution
from rfp_md.regressors.base import Samples
from rfp_md.regressors.fitting.rows import FeatureBlock, rows_of
from rfp_md.regressors.fitting.variance_ratio import VarianceRatio

ENOUGH = 50  # errors, whose mean is known within some 10 %


@dataclass(frozen=True)
class Score:
    """Errors on the validation samples; None where there are no such targets.

    Attributes:
        value: the sum of the errors, each times √w in units of the standard deviation of such targets; means of few
            errors count less.
        variance_ratio: the mean of squared error over the variance of the candidate's draws, of the slopes (of
            the energies where there are none); None where a candidate has no draws.
    """

    energy_mae: float | None
    slope_mae: float | None
    strain_mae: float | None
    value: float
    variance_ratio: float | None = None


def score(
    blocks: Sequence[FeatureBlock], candidate: Solution, valid: Samples, batch_size: int, *, n_kinds: int
) -> Score:
    """The errors of a candidate readout on the validation samples, in the kinds of rows that it was fitted to."""
    derivatives = n_kinds > 1
    spreads = VarianceRatio(candidate), VarianceRatio(candidate)
    errors: list[list[Floats]] = [[], [], []]
    weighted: list[list[Floats]] = [[], [], []]
    wanted: list[list[Floats]] = [[], [], []]
    for batch in valid.batches(batch_size, derivatives=derivatives):
        for rows in rows_of(blocks, batch):
            if rows.kind >= n_kinds:
                continue
            error = np.abs(rows.features @ candidate.coefficients - rows.targets)
            weighted[rows.kind].append(error)
            errors[rows.kind].append(error if rows.scale is None else error / rows.scale)
            wanted[rows.kind].append(rows.targets)
            if rows.kind < len(spreads):
                spreads[rows.kind].add(rows.features, error)
    maes = [_mean(part) for part in errors]
    value = sum(
        mae * _weight(np.concatenate(part))
        for mae, part in zip(map(_mean, weighted), wanted, strict=True)
        if mae is not None
    )
    of_energies, of_slopes = (spread.mean() for spread in spreads)
    return Score(maes[0], maes[1], maes[2], value, of_energies if of_slopes is None else of_slopes)


def _mean(parts: list[Floats]) -> float | None:
    return float(np.concatenate(parts).mean()) if parts else None


def _weight(wanted: Floats) -> float:
    """The weight of a mean error: it counts in units of its targets' standard deviation, and less if it is noise."""
    return min(1.0, len(wanted) / ENOUGH) / (float(wanted.std()) or 1.0)
