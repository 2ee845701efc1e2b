"""Errors of candidate readouts on the validation samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rfp_md.linalg.ridge import Solution
from rfp_md.regressors.base import Samples
from rfp_md.regressors.rows import Block, feature_rows


@dataclass(frozen=True)
class Score:
    """Errors on the validation samples."""

    energy_mae: float
    slope_mae: float
    value: float


def validate(
    blocks: list[Block], candidates: list[Solution], valid: Samples, batch_size: int, *, derivatives: bool
) -> list[Score]:
    """Errors of every candidate; ``value`` adds the energy and the slope MAE, each in units of the target's spread."""
    if not candidates:
        return []
    readouts = np.stack([candidate.coefficients for candidate in candidates], axis=1)
    energy_errors, slope_errors = [], []
    energies, slopes = [], []
    for batch in valid.batches(batch_size, derivatives=derivatives):
        energy_rows, slope_rows = feature_rows(blocks, batch)
        energy_errors.append(np.abs(energy_rows @ readouts - batch.energies[:, None]))
        energies.append(batch.energies)
        if slope_rows is not None and batch.slopes is not None:
            target = batch.slopes.reshape(-1, 1)
            slope_errors.append(np.abs(slope_rows @ readouts - target))
            slopes.append(target)
    energy_mae = np.concatenate(energy_errors).mean(axis=0)
    value = energy_mae / (np.concatenate(energies).std() or 1.0)
    slope_mae = np.zeros_like(energy_mae)
    if slopes:
        slope_mae = np.concatenate(slope_errors).mean(axis=0)
        value = value + slope_mae / (np.concatenate(slopes).std() or 1.0)
    return [Score(*(float(x) for x in row)) for row in zip(energy_mae, slope_mae, value, strict=True)]
