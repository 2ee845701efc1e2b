"""Errors of a candidate readout on the validation samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rfp_md.arrays import Floats
from rfp_md.linalg.ridge import Solution
from rfp_md.regressors.base import Samples
from rfp_md.regressors.fitting.rows import Block, feature_rows, targets
from rfp_md.regressors.fitting.variance_ratio import VarianceRatio

ENOUGH = 50  # errors, whose mean is known within some 10 %


@dataclass(frozen=True)
class Score:
    """Errors on the validation samples; those of slopes are None where there are no such targets.

    Attributes:
        value: the sum of the errors, each in units of its target's standard deviation; means of few errors count less.
        variance_ratio: the mean of squared error over the variance of the candidate's deviations, of the slopes (of
            the energies where there are none); None where a candidate has no deviations.
    """

    energy_mae: float | None
    slope_mae: float | None
    strain_mae: float | None
    value: float
    variance_ratio: float | None = None


def validate(blocks: list[Block], candidate: Solution, valid: Samples, batch_size: int, derivatives: bool) -> Score:
    """The candidate's score."""
    spread = VarianceRatio(candidate)
    errors: list[list[Floats]] = [[], [], []]
    wanted: list[list[Floats]] = [[], [], []]
    for batch in valid.batches(batch_size, derivatives=derivatives):
        for kind, (rows, target) in enumerate(zip(feature_rows(blocks, batch), targets(batch), strict=True)):
            if rows is not None and target is not None:
                errors[kind].append(np.abs(rows @ candidate.coefficients - target))
                wanted[kind].append(target)
                if kind == int(derivatives):
                    spread.add(rows, errors[kind][-1])
    maes = [float(np.concatenate(part).mean()) if part else None for part in errors]
    value = sum(mae * _weight(np.concatenate(part)) for mae, part in zip(maes, wanted, strict=True) if mae is not None)
    return Score(maes[0], maes[1], maes[2], value, spread.mean())


def _weight(wanted: Floats) -> float:
    """Of the mean error of these targets: it counts in units of their standard deviation, and less if it is noise."""
    return min(1.0, len(wanted) / ENOUGH) / (float(wanted.std()) or 1.0)
