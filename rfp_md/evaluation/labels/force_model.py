"""A small potential that is fitted to forces only: what the forces say of the energies and of the stresses.

It is the package's own model in small: ``many_body`` sites, random Fourier features, one ridge solve over the rows of
the forces (``rfp_md.regressors.fitting.rows`` has the symbols). Energies and stresses have no part in the fit, so that
they can be compared with what it predicts at the same frames.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from rfp_md.arrays import Floats
from rfp_md.descriptors.describe import describe
from rfp_md.descriptors.many_body import ManyBody
from rfp_md.frames import Dataset, Frames
from rfp_md.linalg.ridge import Ridge
from rfp_md.regressors.base import Batch
from rfp_md.regressors.fitting.rows import FeatureBlock, rows_of
from rfp_md.regressors.fitting.site_pools import pool_sites
from rfp_md.regressors.random_fourier import RandomFourier

FEATURES = 400
DESCRIPTOR = {"cutoff": 5.0, "channels": 6, "components": 30}
REGRESSOR = {"length_scale": (10.0,)}  # as the presets have it
REGULARIZATION = 1e-8  # relative to a unit diagonal: it only has to keep the solve well behaved
BATCH_ATOMS = 200  # whose rows are made at once


@dataclass(frozen=True, eq=False)
class Predicted:
    """What the forces of M frames say of other labels.

    Attributes:
        energies: (M,), eV, up to a constant for each element.
        strain_slopes: dE/dstrain = V σ (M, 3, 3), eV; zero for frames that have no stress.
    """

    energies: Floats
    strain_slopes: Floats


def predict_from_forces(dataset: Dataset) -> Predicted:
    """Fit a small potential to the forces of these frames, and predict what else they have.

    Rows of atoms whose force is exactly zero are left out: it may be that of an atom that was held fixed.
    """
    descriptor = ManyBody.model_validate(DESCRIPTOR)
    descriptor.fit(dataset)
    blocks = _features(descriptor, dataset)
    width = blocks[-1].columns.stop
    matrix, rhs = np.zeros((width, width), order="F"), np.zeros(width)
    energy_rows, strain_rows = [], []
    for part in _batches(dataset):
        moved = np.repeat((part.forces != 0).any(axis=2).reshape(-1), 3)  # type: ignore[union-attr]
        n_frames, strains = len(part), np.zeros((len(part), 9, width))
        for rows in rows_of(blocks, _batch(descriptor, part)):
            if rows.kind == 0:
                energy_rows.append(rows.features)
            elif rows.kind == 1:
                matrix += rows.features[moved].T @ rows.features[moved]
                rhs += rows.features[moved].T @ rows.targets[moved]
            else:
                strains = rows.features.reshape(n_frames, 9, width)
        strain_rows.append(strains)
    readout = _solve(matrix, rhs)
    return Predicted(np.concatenate(energy_rows) @ readout, (np.concatenate(strain_rows) @ readout).reshape(-1, 3, 3))


def _features(descriptor: ManyBody, dataset: Dataset) -> list[FeatureBlock]:
    """Random features of the sites of all frames, always the same."""
    sample = [Batch([describe(descriptor, part)], np.zeros(len(part))) for block in dataset for part in _pieces(block)]
    regressor = RandomFourier.model_validate(REGRESSOR)
    return regressor.draw_blocks(pool_sites(sample, 0, FEATURES), np.random.default_rng(0))


def _batch(descriptor: ManyBody, part: Frames) -> Batch:
    slopes = -np.asarray(part.forces).reshape(len(part), -1)
    strains = np.zeros((len(part), 9)) if part.periodic and part.stresses is not None else None
    return Batch([describe(descriptor, part, derivatives=True)], np.zeros(len(part)), slopes, strains)


def _batches(dataset: Dataset) -> Iterator[Frames]:
    for block in dataset:
        yield from _pieces(block)


def _pieces(block: Frames) -> Iterator[Frames]:
    size = max(1, BATCH_ATOMS // block.n_atoms)
    for start in range(0, len(block), size):
        yield block[start : start + size]


def _solve(matrix: Floats, rhs: Floats) -> Floats:
    system = Ridge(matrix, rhs)
    solution = system.cholesky(REGULARIZATION) or system.eigenvalues(REGULARIZATION)
    return solution.coefficients
