"""Rows of the normal equations: what every feature adds to the energies and to their slopes (thesis, Algorithm 5).

    symbol    here
    φ_k       ``FeatureBlock.features``, value; one block for each type of site of each term
    σ′_k      ``derivative``: φ_k(x) changes by σ′_k W_k·dx
    Φ_mk      = Σ_s φ_k(x_ms): a row of the energies
    Q_mck     = Σ_s σ′_k(x_ms) Σ_d W_kd ∂x_msd/∂c: a row of the slopes, c = 1 … 3N, or of the strain slopes

From a dense Jacobian a row costs as much as there are sites; from one by neighbour, as much as there are sites that the
coordinate moves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from rfp_md.arrays import Floats, Ints
from rfp_md.compiled import compiled
from rfp_md.random_features.feature_map import Features
from rfp_md.regressors.base import Batch
from rfp_md.sites import NeighbourJacobian, Sites

BATCH_BYTES = 150e6  # of rows that are made at once, with everything that they are made from
CACHE_BYTES = 3e6  # of slope rows, or of products, that are worked on at once, so that they stay in the cache
DERIVATIVE_BYTES = 20e6  # of σ′ of all sites, for some of the features

loop = compiled(fastmath={"contract"})


@dataclass(frozen=True, eq=False)
class FeatureBlock:
    """The features of one type of site in one term, and the columns that they fill."""

    term: int
    site_type: int
    columns: slice
    features: Features


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of one kind, with what they are fitted to.

    Attributes:
        kind: 0 for energies, 1 for slopes, 2 for strain slopes.
        features: (n, K), C-contiguous.
        targets: (n,), eV or eV/Å.
        scale: √w (n,), which features and targets were multiplied by; None: 1.
    """

    kind: int
    features: Floats
    targets: Floats
    scale: Floats | None = None


def energy_rows(blocks: Sequence[FeatureBlock], terms: Sequence[Sites]) -> Floats:
    """Φ_mk = Σ_s φ_k(x_ms), (M, K)."""
    rows = np.zeros((len(terms[0].values), blocks[-1].columns.stop))
    for block in blocks:
        sites = terms[block.term]
        for s in np.flatnonzero(sites.types == block.site_type):
            rows[:, block.columns] += block.features(sites.values[:, s])[0]
    return rows


def rows_of(blocks: Sequence[FeatureBlock], batch: Batch) -> Iterator[Rows]:
    """All rows of a batch: those of the slopes, where it has any, in pieces that keep to ``BATCH_BYTES``.

    A target of weight w gives √w times its row, and none where w is zero.
    """
    weights = batch.weights
    if batch.slopes is None:
        yield from _weighted(0, energy_rows(blocks, batch.terms), batch.energies, weights)
        return
    n_frames, n_slopes, width = *batch.slopes.shape, blocks[-1].columns.stop
    targets = batch.slopes
    if batch.strain_slopes is not None:
        targets = np.concatenate([batch.slopes, batch.strain_slopes], axis=1)
    energies = np.zeros((n_frames, width))
    for columns in _pieces(n_frames, targets.shape[1], width):
        if weights is not None and columns.start and not weights[:, 1:][:, columns].any():
            continue  # no such target is known; the first piece makes the energies, too
        slope_rows = np.zeros((n_frames, columns.stop - columns.start, width))
        for k, sites in enumerate(batch.terms):
            mine = [block for block in blocks if block.term == k]
            add = _add_dense if sites.by_neighbour is None else _add_by_neighbour
            add(mine, sites, columns, energies if columns.start == 0 else None, slope_rows)
        n_first = max(0, n_slopes - columns.start)
        for kind, part in ((1, slice(0, n_first)), (2, slice(n_first, None))):
            some = targets[:, columns][:, part]
            if some.size:
                of_part = None if weights is None else weights[:, 1:][:, columns][:, part]
                features = np.ascontiguousarray(slope_rows[:, part]).reshape(-1, width)
                yield from _weighted(kind, features, some.ravel(), of_part)
    yield from _weighted(0, energies, batch.energies, None if weights is None else weights[:, :1])


def _weighted(kind: int, features: Floats, targets: Floats, weights: Floats | None) -> Iterator[Rows]:
    """Rows times √w, those of targets that are known, if there are any."""
    if weights is None or (weights == 1.0).all():
        yield Rows(kind, features, targets)
        return
    known = np.flatnonzero(weights.ravel())
    if len(known):
        scale = np.sqrt(weights.ravel()[known])
        yield Rows(kind, features[known] * scale[:, None], targets[known] * scale, scale)


def _pieces(n_frames: int, n_columns: int, width: int) -> list[slice]:
    """The columns of the slopes, all at once or a few coordinates at a time; half of the memory is for the rows."""
    most = int(BATCH_BYTES / 2 / (16 * n_frames * width)) // 3 * 3
    step = n_columns if most >= n_columns else max(3, most)
    return [slice(start, min(start + step, n_columns)) for start in range(0, n_columns, step)]


def _add_dense(
    blocks: Sequence[FeatureBlock], sites: Sites, columns: slice, energies: Floats | None, slope_rows: Floats
) -> None:
    """Add the columns of one term's blocks, a few structures at a time."""
    step = max(1, int(CACHE_BYTES / slope_rows[0].nbytes))
    for start in range(0, len(slope_rows), step):
        part = slice(start, start + step)
        for block in blocks:
            for s in np.flatnonzero(sites.types == block.site_type):
                x = sites.values[part, s]
                value, derivative = block.features(x)
                if energies is not None:
                    energies[part, block.columns] += value
                if sites.jacobian is not None:
                    turned = sites.jacobian[part, s, :, columns].transpose(0, 2, 1)
                    product = block.features.directions(x, np.arange(len(x)), turned)
                    _multiply_add(slope_rows[part], product, derivative, block.columns.start)


def _add_by_neighbour(
    blocks: Sequence[FeatureBlock], sites: Sites, columns: slice, energies: Floats | None, slope_rows: Floats
) -> None:
    """The same from the blocks of a Jacobian that are not zero, as many as there is room for at a time."""
    near: NeighbourJacobian = sites.by_neighbour  # type: ignore[assignment]
    n_frames, n_sites, n_components = sites.values.shape
    n_coordinates = (len(near.offsets) - 1) // n_frames
    first, last = columns.start // 3, columns.stop // 3
    rows = slope_rows.reshape(n_frames * (last - first), 3, -1)
    step = max(1, int(BATCH_BYTES / 2 / (24 * n_components)))
    together = n_frames if (first, last) == (0, n_coordinates) else 1  # structures whose coordinates are in one row
    for m in range(0, n_frames, together):
        frames = slice(m, m + together)
        start, stop = near.offsets[m * n_coordinates + first], near.offsets[(m + together - 1) * n_coordinates + last]
        for begin in range(start, max(stop, start + 1), step):
            part = slice(begin, min(begin + step, stop))
            derivatives = np.ascontiguousarray(near.blocks(part).transpose(1, 0, 2))
            structure, coordinate = np.divmod(near.coordinates_of(part), n_coordinates)
            into = structure * (last - first) + coordinate - first
            here = near.sites[part] - m * n_sites
            for block in blocks:
                _add_block(
                    block, sites.values[frames], sites.types, here, derivatives, into, rows,
                    energies[frames] if energies is not None and begin == start else None,
                )  # fmt: skip


def _add_block(
    block: FeatureBlock,
    values: Floats,
    types: Ints,
    here: Ints,
    derivatives: Floats,
    into: Ints,
    rows: Floats,
    energies: Floats | None,
) -> None:
    """Add the columns of one block of features.

    Args:
        values, types: x (M, S, D) and the type of each site (S,).
        here: the site of each derivative, m S + s (P,).
        derivatives: ∂x/∂c (D, P, 3), so that features that see a few components find them together.
        into: which of the rows each derivative belongs to (P,).
        rows: (R, 3, K).
    """
    mine = np.flatnonzero(types == block.site_type)
    if len(mine) == 0:  # of another element than these structures have
        return
    rank = np.full(len(types), -1)
    rank[mine] = np.arange(len(mine))
    x = values[:, mine].reshape(-1, values.shape[2])
    structure, site = np.divmod(here, len(types))
    chosen = np.flatnonzero(rank[site] >= 0)
    if len(chosen) < len(here):
        derivatives, into, structure, site = derivatives[:, chosen], into[chosen], structure[chosen], site[chosen]
    at = structure * len(mine) + rank[site]
    for piece in block.features.pieces(max(1, int(DERIVATIVE_BYTES / (8 * max(1, len(x)))))):
        some = block.features.some(piece)
        value, derivative = some(x)
        column = block.columns.start + piece.start
        if energies is not None:
            energies[:, column : column + value.shape[1]] += value.reshape(len(values), len(mine), -1).sum(axis=1)
        step = max(1, int(CACHE_BYTES / (24 * value.shape[1])))
        for begin in range(0, len(at), step):
            part = slice(begin, begin + step)
            product = some.directions(x, at[part], derivatives[:, part].transpose(1, 2, 0))
            _multiply_scatter(rows, product, derivative, at[part], into[part], column)


@loop
def _multiply_add(rows: Floats, product: Floats, derivative: Floats, start: int) -> None:
    """rows[m, c, start + k] += product[m, c, k] derivative[m, k], in one pass."""
    for m in range(product.shape[0]):
        for c in range(product.shape[1]):
            row = rows[m, c, start : start + product.shape[2]]
            for k in range(product.shape[2]):
                row[k] += product[m, c, k] * derivative[m, k]


@loop
def _multiply_scatter(rows: Floats, product: Floats, derivative: Floats, sites: Ints, into: Ints, start: int) -> None:
    """rows[into_p, x, start + k] += product[p, x, k] derivative[site_p, k]."""
    for p in range(product.shape[0]):
        along = derivative[sites[p]]
        for x in range(3):
            row = rows[into[p], x, start : start + product.shape[2]]
            for k in range(product.shape[2]):
                row[k] += product[p, x, k] * along[k]
