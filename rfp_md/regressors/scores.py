"""Errors of candidate readouts on the validation samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rfp_md.frames import Floats
from rfp_md.linalg.ridge import Solution
from rfp_md.regressors.base import Samples
from rfp_md.regressors.rows import Block, feature_rows, targets
from rfp_md.regressors.variance_ratio import VarianceRatio


@dataclass(frozen=True)
class Score:
    """Errors on the validation samples; those of slopes are None where there are no such targets.

    Attributes:
        value: the sum of the errors, each in units of its target's standard deviation.
        variance_ratio: the mean of squared error over the variance of the candidate's deviations, of the slopes (of
            the energies where there are none); None where a candidate has no deviations.
    """

    energy_mae: float | None
    slope_mae: float | None
    strain_mae: float | None
    value: float
    variance_ratio: float | None = None


def validate(
    blocks: list[Block], candidates: list[Solution], valid: Samples, batch_size: int, *, derivatives: bool
) -> list[Score]:
    """The score of every candidate."""
    if not candidates:
        return []
    readouts = np.stack([candidate.coefficients for candidate in candidates], axis=1)
    spread = VarianceRatio(candidates)
    errors: list[list[Floats]] = [[], [], []]
    wanted: list[list[Floats]] = [[], [], []]
    for batch in valid.batches(batch_size, derivatives=derivatives):
        for kind, (rows, target) in enumerate(zip(feature_rows(blocks, batch), targets(batch), strict=True)):
            if rows is not None and target is not None:
                errors[kind].append(np.abs(rows @ readouts - target[:, None]))
                wanted[kind].append(target)
                if kind == int(derivatives):
                    spread.add(rows, errors[kind][-1])
    maes = [np.concatenate(part).mean(axis=0) if part else None for part in errors]
    value = np.zeros(len(candidates))
    for mae, target_parts in zip(maes, wanted, strict=True):
        if mae is not None:
            value += mae / (np.concatenate(target_parts).std() or 1.0)
    ratios = spread.means()
    return [
        Score(_at(maes[0], k), _at(maes[1], k), _at(maes[2], k), float(value[k]), _at(ratios, k))
        for k in range(len(candidates))
    ]


def _at(mae: Floats | None, k: int) -> float | None:
    return None if mae is None else float(mae[k])
