import numpy as np
import pytest

from rfp_md.linalg import selection
from rfp_md.linalg.gram import FewRows, Gram
from rfp_md.linalg.selection import select_columns
from rfp_md.progress import Progress


@pytest.fixture
def problem(rng):
    """Correlated columns of unit length, and targets that a few of them explain."""
    columns = rng.normal(size=(300, 12)) @ rng.normal(size=(12, 60)) + 0.3 * rng.normal(size=(300, 60))
    columns /= np.linalg.norm(columns, axis=0)
    return columns, columns @ rng.normal(size=60) + 0.1 * rng.normal(size=300)


def one_by_one(columns, targets, count, regularization):
    """Of all columns, the one that lowers the regularized error most, again and again."""
    chosen = []
    for _ in range(count):
        errors = {}
        for k in set(range(columns.shape[1])) - set(chosen):
            some = columns[:, [*chosen, k]]
            matrix = some.T @ some + regularization * np.eye(len(chosen) + 1)
            errors[k] = targets @ targets - targets @ some @ np.linalg.solve(matrix, some.T @ targets)
        chosen.append(min(errors, key=errors.__getitem__))
    return chosen


def select(columns, targets, count, regularization=1e-6):
    gram = columns.T @ columns
    return select_columns(lambda *some: gram[np.ix_(*some)], columns.T @ targets, count, regularization, Progress())


def test_the_greedy_choice_is_the_one_that_lowers_the_error_most(problem):
    assert select(*problem, 9).tolist() == one_by_one(*problem, 9, 1e-6)


def test_blocks_of_candidates_explain_nearly_as_much(problem, monkeypatch):
    monkeypatch.setattr(selection, "BLOCK", 3)
    monkeypatch.setattr(selection, "CANDIDATES", 12)
    columns, targets = problem

    def unexplained(chosen):
        some = columns[:, chosen]
        return np.linalg.norm(targets - some @ np.linalg.lstsq(some, targets)[0])

    first = np.arange(15)
    assert unexplained(select(columns, targets, 15)) < 1.1 * unexplained(one_by_one(columns, targets, 15, 1e-6))
    assert unexplained(select(columns, targets, 15)) < 0.8 * unexplained(first)


def test_no_column_is_chosen_twice_even_if_others_say_nothing_new(problem):
    columns, targets = problem
    twins = np.concatenate([columns, columns], axis=1)
    chosen = select(twins, targets, 100)
    assert len(set(chosen)) == 100


@pytest.mark.parametrize("kind", [Gram, FewRows])
@pytest.mark.parametrize("panel", [2, 4, 100])
def test_parts_of_normal_equations_are_those_of_the_rows(kind, panel, rng, monkeypatch):
    monkeypatch.setattr("rfp_md.linalg.gram.PANEL", panel)
    rows, targets, kept = rng.normal(size=(40, 9)), rng.normal(size=40), np.array([1, 4, 5, 8])
    equations = kind(9)
    equations.add(rows[:30], targets[:30])
    equations.add(rows[30:], targets[30:])
    full = rows.T @ rows
    some = np.array([2, 8, 0]), np.array([7, 0, 3, 2])
    np.testing.assert_allclose(equations.part(*some), full[np.ix_(*some)])
    np.testing.assert_allclose(equations.diagonal(), full.diagonal())
    equations.restrict(kept)
    equations.add(rows[:5, kept], targets[:5])
    matrix = np.zeros((4, 4), order="F")
    equations.add_to(matrix, 2.0)
    more = np.concatenate([rows, rows[:5]])[:, kept]
    np.testing.assert_allclose(np.tril(matrix), np.tril(2.0 * more.T @ more))
    np.testing.assert_allclose(equations.rhs, more.T @ np.concatenate([targets, targets[:5]]))
