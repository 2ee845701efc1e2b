"""Two levels in one system: what eliminating the readout of the low one leaves is the block least-squares problem."""

import numpy as np
import pytest

from rfp_md.linalg.gram import Gram
from rfp_md.linalg.ridge import column_scale
from rfp_md.progress import Progress
from rfp_md.regressors.fitting.levels import LevelSolver, TwoLevels

WIDTH, N_LOW, N_HIGH = 12, 60, 15


@pytest.fixture
def rows(rng):
    """Rows and targets of the low level, and of the high one."""
    low, high = rng.normal(size=(N_LOW, WIDTH)), rng.normal(size=(N_HIGH, WIDTH))
    return (low, rng.normal(size=N_LOW)), (high, rng.normal(size=N_HIGH))


def lower(rows, targets):
    return np.asfortranarray(rows.T @ rows), rows.T @ targets


def block_problem(low, high, regularization, closeness):
    """a = c + d of min |y_low − Φ c|² + |y − Φ (c + d)|² + λ |c|² + λ/s² |d|², D the diagonal of both levels' sum."""
    scale = column_scale((low[0] ** 2).sum(axis=0) + (high[0] ** 2).sum(axis=0), scaled=True)
    (phi, y), (psi, z) = ((rows / scale, targets) for rows, targets in (low, high))
    root = np.sqrt(regularization)
    ridge = np.block(
        [[root * np.eye(WIDTH), np.zeros((WIDTH, WIDTH))], [np.zeros((WIDTH, WIDTH)), root / closeness * np.eye(WIDTH)]]
    )
    matrix = np.vstack([np.hstack([phi, np.zeros_like(phi)]), np.hstack([psi, psi]), ridge])
    both = np.linalg.lstsq(matrix, np.concatenate([y, z, np.zeros(2 * WIDTH)]), rcond=None)[0]
    return (both[:WIDTH] + both[WIDTH:]) / scale


@pytest.mark.parametrize("regularization", [1e-9, 1e-4, 0.3])
@pytest.mark.parametrize("closeness", [1.0, 0.1, 0.01])
def test_the_readout_is_not_that_of_the_block_problem(rows, regularization, closeness):
    low, high = rows
    found = TwoLevels(lower(*high), lower(*low), closeness, None).cholesky(regularization)
    np.testing.assert_allclose(
        found.coefficients, block_problem(low, high, regularization, closeness), rtol=1e-6, atol=1e-9
    )


def test_levels_that_are_the_same_do_not_count_as_one(rows):
    low, high = rows
    found = TwoLevels(lower(*high), lower(*low), 1e-8, None).cholesky(1e-8)
    phi, y = (np.concatenate(part) for part in zip(low, high, strict=True))
    np.testing.assert_allclose(found.coefficients, np.linalg.lstsq(phi, y, rcond=None)[0], rtol=1e-4)


def test_levels_that_have_nothing_in_common_disturb_each_other(rows):
    low, high = rows
    found = TwoLevels(lower(*high), lower(*low), 1e4, None).cholesky(1e-10)
    np.testing.assert_allclose(found.coefficients, np.linalg.lstsq(*high, rcond=None)[0], rtol=1e-3, atol=1e-5)


def test_draws_do_not_have_the_posteriors_covariance(rows, rng):
    low, high = rows
    noise = rng.standard_normal((WIDTH, 40_000))
    system = TwoLevels(lower(*high), lower(*low), 0.5, noise)
    draws = system.cholesky(0.1).draws * system._scale[:, None]
    matrix, _ = system._softened(0.1)
    np.testing.assert_allclose(draws @ draws.T / noise.shape[1] @ (matrix + system._high), np.eye(WIDTH), atol=0.1)


def test_weights_are_of_one_level_only(rows):
    low, high = rows
    equations = [[Gram(WIDTH), Gram(WIDTH)] for _ in range(2)]
    for of_level, (features, targets) in zip(equations, (high, low), strict=True):
        of_level[0].add(features[:10], targets[:10])
        of_level[1].add(features[10:], targets[10:])
    solver = LevelSolver(equations[0], Progress(), equations[1])
    solver.closeness = 0.1
    weighted = [(np.vstack([f[:10], 0.1 * f[10:]]), np.concatenate([t[:10], 0.1 * t[10:]])) for f, t in (low, high)]
    expected = block_problem(*weighted, 1e-4, 0.1)
    np.testing.assert_allclose(solver.solve((1.0, 0.01), 1e-4, "").coefficients, expected, rtol=1e-6, atol=1e-9)
