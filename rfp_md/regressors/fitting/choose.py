"""Which λ and which weights: those whose solution has the smallest error on validation samples.

symbol    here
λ         ``regularization``; ``lambdas`` are those to choose from
w_i       ``weights`` of the energy, the slope and the strain rows; the first one is 1
c(w, λ)   ``Choice.solution``
error     ``Score.value``
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rfp_md.linalg.ridge import Solution
from rfp_md.progress import Progress
from rfp_md.regressors.fitting.levels import CLOSENESS, LevelSolver
from rfp_md.regressors.fitting.scores import Score
from rfp_md.regressors.fitting.solve import Solver, System, Weights, check_finite

USUAL_SOLVES = 4  # λ that are tried as a rule, where there are so many

PRIOR_WEIGHTS = (1.0, 0.3, 0.1)
PRIOR_COST = 0.02  # of the error, that a prior may add to it

ScoreOf = Callable[[Solution], Score]


@dataclass(frozen=True)
class Choice:
    """The solution that the validation samples chose, with its weights and its errors."""

    solution: Solution
    weights: Weights
    score: Score


def choose(
    solver: Solver,
    score_of: ScoreOf,
    lambdas: Sequence[float],
    force_weights: Sequence[float],
    stress_weights: Sequence[float],
    progress: Progress,
    *,
    every_lambda: bool,
) -> Choice:
    """The best λ at the first weights, then the force and the stress weight, each as long as the error falls.

    Args:
        every_lambda: try all of them, where the error may have several minima.
    """
    best = _choose_lambda(
        solver, score_of, (1.0, force_weights[0], stress_weights[0]), lambdas, progress, every_lambda=every_lambda
    )
    for kind, weights in ((1, force_weights), (2, stress_weights)):
        if kind < solver.n_kinds:
            for weight in weights[1:]:
                changed = (*best.weights[:kind], weight, *best.weights[kind + 1 :])
                solution = solver.solve(changed, best.solution.regularization, "Choosing weights")
                found = _scored(solution, changed, score_of)
                if found.score.value >= best.score.value:
                    break
                best = found
    return best


def limit_prior(solver: Solver, choice: Choice, score_of: ScoreOf, progress: Progress) -> Choice:
    """Give the prior the largest weight that the validation samples hardly notice, at the λ and weights of a choice.

    The smallest weight stays whatever it costs: a hole is worse than an error that is a little larger.
    """
    solver.prior_weight = 0.0
    without = _scored(solver.solve(choice.weights, choice.solution.regularization, "Prior"), choice.weights, score_of)
    allowed = (1.0 + PRIOR_COST) * without.score.value
    for weight in PRIOR_WEIGHTS:
        solver.prior_weight = weight
        if weight < PRIOR_WEIGHTS[0]:
            solution = solver.solve(choice.weights, choice.solution.regularization, "Prior")
            choice = _scored(solution, choice.weights, score_of)
        if choice.score.value <= allowed:
            break
    return choice


def choose_closeness(solver: LevelSolver, choice: Choice, score_of: ScoreOf, progress: Progress) -> Choice:
    """The best s, at the λ and the weights of a choice, which the usual s has made."""
    best = choice
    for closeness in CLOSENESS[1:]:
        usual, solver.closeness = solver.closeness, closeness
        solution = solver.solve(choice.weights, choice.solution.regularization, "Levels")
        found = _scored(solution, choice.weights, score_of)
        if found.score.value < best.score.value:
            best = found
        else:
            solver.closeness = usual
    return best


def _choose_lambda(
    solver: Solver,
    score_of: ScoreOf,
    weights: Weights,
    lambdas: Sequence[float],
    progress: Progress,
    *,
    every_lambda: bool,
) -> Choice:
    """From a rather small λ to smaller ones while the error falls; to larger ones where it does not.

    The error has one minimum, and each λ costs a factorisation: most of them need not be tried.
    """
    progress.start("Choosing λ", min(len(lambdas), USUAL_SOLVES), "solves")
    system, before = solver.system(weights), solver.failed
    ascending = sorted(lambdas)
    start = 0 if every_lambda else (len(ascending) - 1) // 3
    best: Choice | None = None
    tried = 0
    for smaller, values in ((True, ascending[start::-1]), (False, ascending[start + 1 :])):
        if best is not None and best.solution.regularization < ascending[start]:
            break
        for value in values:
            tried += 1
            found = _tried(solver, system, value, weights, score_of)
            if found is None and smaller:
                break
            if found is None:
                continue
            if best is None or found.score.value < best.score.value:
                best = found
            elif not every_lambda:
                break
    if solver.failed > before:
        solver.report(solver.failed - before, tried)
    return best or _scored(solver.raise_regularization(system, ascending[-1]), weights, score_of)


def _tried(solver: Solver, system: System, value: float, weights: Weights, score_of: ScoreOf) -> Choice | None:
    """One λ, or None where its factorisation fails."""
    solution = solver.attempt(system, value)
    return None if solution is None else _scored(solution, weights, score_of)


def _scored(solution: Solution, weights: Weights, score_of: ScoreOf) -> Choice:
    check_finite(solution)
    return Choice(solution, weights, score_of(solution))
