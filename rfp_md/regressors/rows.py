"""Rows of the normal equations: what every feature adds to the energies and to their slopes."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np

from rfp_md.frames import Floats
from rfp_md.random_features.feature_map import FeatureMap
from rfp_md.regressors.base import Batch
from rfp_md.sites import Sites

CACHE_BYTES = 6e6  # slope rows that are worked on at once, so that they stay in the processor's cache


@dataclass(frozen=True, eq=False)
class Block:
    """The features of one type of site in one term, and the columns that they fill."""

    term: int
    site_type: int
    columns: slice
    features: FeatureMap


def feature_rows(blocks: list[Block], batch: Batch) -> tuple[Floats, Floats | None]:
    """Rows of M structures (thesis, Algorithm 5, lines 2 to 6).

    Φ_mk = Σ_s φ_k(x_ms) and, where the batch has Jacobians, Q_mck = Σ_s σ′_k(x_ms) Σ_d W_kd ∂x_msd/∂r_mc.

    Returns:
        Φ (M, K) and Q (M·C, K) or None.
    """
    width = blocks[-1].columns.stop
    energy_rows = np.zeros((len(batch.energies), width))
    if batch.slopes is None:
        for block in blocks:
            _add(block, batch.terms[block.term], slice(None), energy_rows, None)
        return energy_rows, None
    slope_rows = np.zeros((*batch.slopes.shape, width))
    group = max(1, int(CACHE_BYTES / slope_rows[0].nbytes))
    for start in range(0, len(energy_rows), group):
        part = slice(start, start + group)
        for block in blocks:
            _add(block, batch.terms[block.term], part, energy_rows[part], slope_rows[part])
    return energy_rows, slope_rows.reshape(-1, width)


def _add(block: Block, sites: Sites, part: slice, energy_rows: Floats, slope_rows: Floats | None) -> None:
    """Add one block's columns for some structures of a batch."""
    for s in np.flatnonzero(sites.types == block.site_type):
        value, slope = block.features(sites.values[part, s])
        energy_rows[:, block.columns] += value
        if slope_rows is not None and sites.jacobian is not None:
            product = sites.jacobian[part, s].transpose(0, 2, 1) @ block.features.weights.T
            _multiply_add(slope_rows[:, :, block.columns], product, slope)


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _multiply_add(rows: Floats, product: Floats, slope: Floats) -> None:
    """rows[m, c, k] += product[m, c, k] slope[m, k], in one pass."""
    for m in range(rows.shape[0]):
        for c in range(rows.shape[1]):
            for k in range(rows.shape[2]):
                rows[m, c, k] += product[m, c, k] * slope[m, k]
