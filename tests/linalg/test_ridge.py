import numpy as np
import pytest

from rfp_md.errors import UserError
from rfp_md.linalg.gram import FewRows, Gram, weighted_sum
from rfp_md.linalg.memory import available_memory, require_memory
from rfp_md.linalg.ridge import BLOCK, Ridge


def full(gram):
    lower = np.tril(weighted_sum([gram], [1.0])[0])
    return lower + np.tril(lower, -1).T


def test_pieces_add_up_to_the_normal_equations_of_all_rows(rng):
    rows, targets = rng.normal(size=(50, 7)), rng.normal(size=50)
    gram = Gram(7)
    for start in range(0, 50, 13):
        gram.add(rows[start : start + 13], targets[start : start + 13])
    gram.add(rows[:0], targets[:0])
    np.testing.assert_allclose(full(gram), rows.T @ rows, atol=1e-12)
    np.testing.assert_allclose(gram.rhs, rows.T @ targets, atol=1e-12)


@pytest.mark.slow
def test_twenty_thousand_features_do_not_crash_the_library_below(rng):
    """OpenBLAS's dsyrk does, with more than about 200 rows."""
    width = 20_000
    gram, rows = Gram(width), rng.normal(size=(400, width))
    gram.add(rows, rows[:, 0])
    some = np.array([0, 1023, 1024, 12_345, width - 1])
    np.testing.assert_allclose(gram.part(some, some), rows[:, some].T @ rows[:, some], atol=1e-9)


def test_weighted_sum_leaves_the_blocks_as_they_are(rng):
    grams = [Gram(5), Gram(5)]
    for gram in grams:
        gram.add(rng.normal(size=(20, 5)), rng.normal(size=20))
    before = [full(gram) for gram in grams]
    matrix, rhs = weighted_sum(grams, [1.0, 0.3])
    matrix[:] = 0
    np.testing.assert_allclose(rhs, grams[0].rhs + 0.3 * grams[1].rhs)
    for gram, matrix_before in zip(grams, before, strict=True):
        np.testing.assert_array_equal(full(gram), matrix_before)


def test_rows_that_are_kept_give_the_same_sum(rng, monkeypatch):
    monkeypatch.setattr("rfp_md.linalg.gram.PANEL", 4)
    gram, kept, other = Gram(9), FewRows(9), Gram(9)
    for _ in range(2):
        rows, targets = rng.normal(size=(3, 9)), rng.normal(size=3)
        gram.add(rows, targets)
        kept.add(rows, targets)
        rows[:] = 0  # the caller may use its array again
    other.add(rng.normal(size=(20, 9)), rng.normal(size=20))
    matrix, rhs = weighted_sum([kept, other], [0.3, 2])
    expected_matrix, expected_rhs = weighted_sum([gram, other], [0.3, 2])
    np.testing.assert_allclose(np.tril(matrix), np.tril(expected_matrix), atol=1e-12)
    np.testing.assert_allclose(rhs, expected_rhs, atol=1e-12)


def test_one_system_is_solved_again_and_again_in_the_same_array(rng):
    size = BLOCK + 40
    rows, targets = rng.normal(size=(2 * size, size)), rng.normal(size=2 * size)
    gram = Gram(size)
    gram.add(rows, targets)
    ridge = Ridge(*weighted_sum([gram], [1.0]))
    assert ridge.cholesky(-1.0) is None  # and what is left behind does not matter
    for regularization in (1e-3, 1e-9, 1e-3):
        expected = np.linalg.solve(
            rows.T @ rows + regularization * np.diag(np.square(rows).sum(axis=0)), rows.T @ targets
        )
        np.testing.assert_allclose(ridge.cholesky(regularization).coefficients, expected, rtol=1e-8)
    np.testing.assert_allclose(ridge.eigenvalues(1e-3).coefficients, ridge.cholesky(1e-3).coefficients, rtol=1e-7)


@pytest.mark.parametrize("method", ["cholesky", "eigenvalues"])
@pytest.mark.parametrize("regularization", [1e-3, 1e-8])
def test_the_solution_is_ridge_regression_on_scaled_columns(rng, method, regularization):
    rows, targets = rng.normal(size=(80, 12)) * np.logspace(-6, 6, 12), rng.normal(size=80)
    matrix = rows.T @ rows
    expected = np.linalg.solve(matrix + regularization * np.diag(matrix.diagonal()), rows.T @ targets)
    solution = getattr(Ridge(np.asfortranarray(matrix), rows.T @ targets), method)(regularization)
    np.testing.assert_allclose(solution.coefficients, expected, rtol=1e-7)
    assert solution.residual < 1e-12


def test_a_singular_matrix_fails_by_cholesky_and_is_survived_by_eigenvalues(rng):
    rows = np.repeat(rng.normal(size=(40, 6)), 2, axis=1)
    coefficients = np.repeat(rng.normal(size=6), 2)
    gram = Gram(12)
    gram.add(rows, rows @ coefficients)
    ridge = Ridge(*weighted_sum([gram], [1.0]))
    assert ridge.cholesky(-1e-10) is None
    np.testing.assert_allclose(ridge.eigenvalues(0.0).coefficients, coefficients, atol=1e-9)


def test_a_feature_that_is_always_zero_gets_no_weight(rng):
    rows = rng.normal(size=(30, 4))
    rows[:, 2] = 0
    gram = Gram(4)
    gram.add(rows, rng.normal(size=30))
    solution = Ridge(*weighted_sum([gram], [1.0])).cholesky(1e-10)
    assert solution is not None
    assert solution.coefficients[2] == 0


def test_what_cannot_fit_is_refused_with_the_numbers():
    with pytest.raises(UserError, match=r"needs about 1000000.00 GB, but \d+\.\d\d GB are available; buy more"):
        require_memory(10**15, "buy more")
    require_memory(1, "")
    assert available_memory() > 10**7


@pytest.mark.parametrize("method", ["cholesky", "eigenvalues"])
def test_deviations_are_draws_of_the_posterior(rng, method):
    rows = rng.normal(size=(80, 6)) @ np.triu(rng.normal(size=(6, 6)) + 2 * np.eye(6))
    matrix, draws, regularization = rows.T @ rows, 200_000, 0.3
    expected = np.linalg.inv(matrix + regularization * np.diag(matrix.diagonal()))
    ridge = Ridge(np.asfortranarray(matrix), rng.normal(size=6), noise=rng.standard_normal((6, draws)))
    deviations = getattr(ridge, method)(regularization).draws
    found = deviations @ deviations.T / draws
    size = np.sqrt(np.outer(expected.diagonal(), expected.diagonal()))
    np.testing.assert_allclose(found / size, expected / size, atol=5 * np.sqrt(2 / draws))
    assert (np.abs(deviations.mean(axis=1)) < 5 * np.sqrt(expected.diagonal() / draws)).all()


def test_draws_leave_the_solutions_as_they_are(rng):
    rows, targets = rng.normal(size=(80, 12)), rng.normal(size=80)
    plain, drawn = (
        Ridge(np.asfortranarray(rows.T @ rows), rows.T @ targets, noise=noise)
        for noise in (None, rng.standard_normal((12, 8)))
    )
    for regularization in (1e-3, 1e-9):
        first, second = plain.cholesky(regularization), drawn.cholesky(regularization)
        np.testing.assert_array_equal(first.coefficients, second.coefficients)
        assert first.draws is None
    np.testing.assert_array_equal(plain.eigenvalues(1e-3).coefficients, drawn.eigenvalues(1e-3).coefficients)
