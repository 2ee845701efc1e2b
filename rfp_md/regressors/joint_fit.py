"""One linear solve for energies, forces and stresses, and the choice of its hyper-parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rfp_md.errors import UserError
from rfp_md.frames import Floats
from rfp_md.linalg.gram import FewRows, Gram, NormalEquations, keeps_rows, weighted_sum
from rfp_md.linalg.ridge import Ridge, Solution
from rfp_md.progress import Progress
from rfp_md.regressors.base import Samples
from rfp_md.regressors.rows import Block, feature_rows, targets
from rfp_md.regressors.scores import Score, validate

Weights = tuple[float, ...]
LARGEST_RAISED = 100.0  # times the largest λ that was asked for


@dataclass(frozen=True)
class Choice:
    """What the validation samples chose.

    Attributes:
        weights: of the energy, the force and the strain rows.
    """

    solution: Solution
    weights: Weights
    score: Score


class JointFit:
    """Separate normal equations for energies, slopes and strain slopes, so that every weighting is a cheap re-solve.

    Attributes:
        failed: how many factorisations failed so far.
    """

    def __init__(
        self,
        blocks: list[Block],
        n_rows: Sequence[int],
        batch_size: int,
        progress: Progress,
        *,
        scaled: bool = True,
        noise: Floats | None = None,
    ) -> None:
        """Start with no rows.

        Args:
            n_rows: how many rows of energies, slopes and strain slopes will come; fewer numbers where there are none.
            scaled: whether λ is relative to the features' size.
            noise: ξ (K, P) of every solution's deviations.
        """
        self.blocks, self._scaled, self._noise = blocks, scaled, noise
        self.failed = 0
        self._rows_per_sample, self._batch_size, self._progress = sum(n_rows) // n_rows[0], batch_size, progress
        width = blocks[-1].columns.stop
        self._grams: list[NormalEquations] = [
            FewRows(width) if keeps_rows(count, width) else Gram(width) for count in n_rows
        ]

    def add(self, samples: Samples, label: str) -> None:
        """Stream samples into the normal equations."""
        self._progress.start(label, len(samples) * self._rows_per_sample, "rows")
        for batch in samples.batches(self._batch_size, derivatives=len(self._grams) > 1):
            for gram, rows, target in zip(self._grams, feature_rows(self.blocks, batch), targets(batch), strict=False):
                if rows is not None and target is not None:
                    gram.add(rows, target)
                    self._progress.advance(len(rows))

    def choose(
        self, valid: Samples, lambdas: Sequence[float], force_weights: Sequence[float], stress_weights: Sequence[float]
    ) -> Choice:
        """The best λ at the first weights, then the best force weight, then the best stress weight."""
        best = self._best(valid, [((1.0, force_weights[0], stress_weights[0]), lambdas)])
        for kind, weights in ((1, force_weights), (2, stress_weights)):
            if kind < len(self._grams) and len(weights) > 1:
                one: Sequence[float] = [best.solution.regularization]
                others = [(_with(best.weights, kind, weight), one) for weight in weights[1:]]
                found = self._best(valid, others)
                best = found if found.score.value < best.score.value else best
        return best

    def solve(self, weights: Weights, lambdas: Sequence[float], label: str) -> list[Solution]:
        """Solutions for every λ whose factorisation holds; if none does, one for a larger λ or by eigenvalues, with a
        message."""
        self._progress.start(label, len(lambdas), "solves")
        system = weighted_sum(self._grams, list(weights[: len(self._grams)]))
        ridge = Ridge(*system, scaled=self._scaled, noise=self._noise)
        solutions = []
        for value in lambdas:
            solution = ridge.cholesky(value)
            self._progress.advance(1)
            if solution is not None:
                solutions.append(solution)
        self.failed += len(lambdas) - len(solutions)
        if len(solutions) < len(lambdas):
            self._progress.message(
                f"Cholesky failed for {len(lambdas) - len(solutions)} of {len(lambdas)} regularizations: "
                "the Gram matrix is singular to rounding there"
            )
        raised = max(lambdas)
        while not solutions and raised < LARGEST_RAISED * max(lambdas):
            # A little more of it costs little; an eigendecomposition takes many times as long and twice the memory.
            raised *= 10.0
            self._progress.message(f"trying regularization {raised:g} instead")
            solutions = [solution] if (solution := ridge.cholesky(raised)) is not None else []
        if not solutions:
            self._progress.message(f"falling back to an eigendecomposition at regularization {max(lambdas):g}")
            solutions = [ridge.eigenvalues(max(lambdas))]
        if not all(
            np.isfinite(solution.coefficients).all() and np.isfinite(solution.residual) for solution in solutions
        ):
            raise UserError("the fit overflowed; are the energies and forces of the data in a sensible unit?")
        return solutions

    def _best(self, valid: Samples, candidates: list[tuple[Weights, Sequence[float]]]) -> Choice:
        """The best of all solutions for these weights and their λ."""
        tried = []
        for weights, lambdas in candidates:
            label = "Choosing λ" if len(lambdas) > 1 else "Choosing weights"
            tried += [(weights, solution) for solution in self.solve(weights, lambdas, label)]
        solutions = [solution for _, solution in tried]
        scores = validate(self.blocks, solutions, valid, self._batch_size, derivatives=len(self._grams) > 1)
        k = min(range(len(scores)), key=lambda k: scores[k].value)
        return Choice(tried[k][1], tried[k][0], scores[k])


def _with(weights: Weights, kind: int, weight: float) -> Weights:
    return (*weights[:kind], weight, *weights[kind + 1 :])
