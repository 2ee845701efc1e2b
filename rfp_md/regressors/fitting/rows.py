"""Rows of the normal equations: what every feature adds to the energies and to their slopes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numba
import numpy as np

from rfp_md.arrays import Floats
from rfp_md.random_features.feature_map import Features
from rfp_md.regressors.base import Batch
from rfp_md.sites import Sites

CACHE_BYTES = 6e6  # slope rows that are worked on at once, so that they stay in the processor's cache


@dataclass(frozen=True, eq=False)
class Block:
    """The features of one type of site in one term, and the columns that they fill."""

    term: int
    site_type: int
    columns: slice
    features: Features


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of M structures: Φ (M, K) of the energies, Q of the slopes (M·3N, K) and of the strain slopes (M·9, K)."""

    energies: Floats
    slopes: Floats | None = None
    strain_slopes: Floats | None = None

    def __iter__(self) -> Iterator[Floats | None]:
        return iter((self.energies, self.slopes, self.strain_slopes))


def targets(batch: Batch) -> tuple[Floats, Floats | None, Floats | None]:
    """What the rows of a batch are fitted to, flat."""
    slopes, strains = batch.slopes, batch.strain_slopes
    return batch.energies, None if slopes is None else slopes.ravel(), None if strains is None else strains.ravel()


def energy_rows(blocks: list[Block], terms: Sequence[Sites]) -> Floats:
    """Φ_mk = Σ_s φ_k(x_ms), (M, K)."""
    rows = np.zeros((len(terms[0].values), blocks[-1].columns.stop))
    for block in blocks:
        _add(block, terms[block.term], slice(None), rows, None)
    return rows


def feature_rows(blocks: list[Block], batch: Batch) -> Rows:
    """Rows of M structures (thesis, Algorithm 5, lines 2 to 6).

    Φ_mk = Σ_s φ_k(x_ms) and, where the batch has slopes, Q_mck = Σ_s σ′_k(x_ms) Σ_d W_kd ∂x_msd/∂c.
    """
    if batch.slopes is None:
        return Rows(energy_rows(blocks, batch.terms))
    width = blocks[-1].columns.stop
    energies = np.zeros((len(batch.energies), width))
    n_slopes = batch.slopes.shape[1]
    n_columns = n_slopes + (0 if batch.strain_slopes is None else batch.strain_slopes.shape[1])
    slopes = np.zeros((len(energies), n_columns, width))
    group = max(1, int(CACHE_BYTES / slopes[0].nbytes))
    for start in range(0, len(energies), group):
        part = slice(start, start + group)
        for block in blocks:
            _add(block, batch.terms[block.term], part, energies[part], slopes[part])
    if batch.strain_slopes is None:
        return Rows(energies, slopes.reshape(-1, width))
    parts = (slopes[:, :n_slopes], slopes[:, n_slopes:])
    return Rows(energies, *(np.ascontiguousarray(part).reshape(-1, width) for part in parts))


def _add(block: Block, sites: Sites, part: slice, energies: Floats, slopes: Floats | None) -> None:
    """Add one block's columns for some structures of a batch."""
    for s in np.flatnonzero(sites.types == block.site_type):
        value, slope = block.features(sites.values[part, s])
        energies[:, block.columns] += value
        if slopes is not None and sites.jacobian is not None:
            jacobian = sites.jacobian[part, s, :, : slopes.shape[1]]
            product = block.features.directions(sites.values[part, s], jacobian)
            _multiply_add(slopes[:, :, block.columns], product, slope)


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _multiply_add(rows: Floats, product: Floats, slope: Floats) -> None:
    """rows[m, c, k] += product[m, c, k] slope[m, k], in one pass."""
    for m in range(rows.shape[0]):
        for c in range(rows.shape[1]):
            for k in range(rows.shape[2]):
                rows[m, c, k] += product[m, c, k] * slope[m, k]
