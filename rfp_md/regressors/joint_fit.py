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
USUAL_SOLVES = 4  # λ that are tried as a rule, where there are so many
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
        """The best λ at the first weights, then the force and the stress weight, each as long as the error falls."""
        best = self._choose_lambda(valid, (1.0, force_weights[0], stress_weights[0]), lambdas)
        for kind, weights in ((1, force_weights), (2, stress_weights)):
            if kind < len(self._grams):
                for weight in weights[1:]:
                    changed = _with(best.weights, kind, weight)
                    solution = self.solve(changed, best.solution.regularization, "Choosing weights")
                    found = self._scored(solution, changed, valid)
                    if found.score.value >= best.score.value:
                        break
                    best = found
        return best

    def solve(self, weights: Weights, regularization: float, label: str) -> Solution:
        """The solution for one λ; where its factorisation fails, for a larger one or by eigenvalues, with a message."""
        self._progress.start(label, 1, "solves")
        ridge = self._ridge(weights)
        solution = self._attempt(ridge, regularization)
        if solution is None:
            self._report(1, 1)
            solution = self._raise_regularization(ridge, regularization)
        return solution

    def _choose_lambda(self, valid: Samples, weights: Weights, lambdas: Sequence[float]) -> Choice:
        """From the middle of all λ to smaller ones while the error falls; to larger ones where it does not.

        The error has one minimum, and each λ costs a factorisation: most of them need not be tried.
        """
        self._progress.start("Choosing λ", min(len(lambdas), USUAL_SOLVES), "solves")
        ridge, before = self._ridge(weights), self.failed
        ascending = sorted(lambdas)
        start = (len(ascending) - 1) // 2
        best: Choice | None = None
        tried = 0
        for falling, values in ((True, ascending[start::-1]), (False, ascending[start + 1 :])):
            if best is not None and best.solution.regularization < ascending[start]:
                break
            for value in values:
                tried += 1
                solution = self._attempt(ridge, value)
                if solution is None:
                    if falling:
                        break
                    continue
                found = self._scored(solution, weights, valid)
                if best is not None and found.score.value >= best.score.value:
                    break
                best = found
        if self.failed > before:
            self._report(self.failed - before, tried)
        return best or self._scored(self._raise_regularization(ridge, ascending[-1]), weights, valid)

    def _ridge(self, weights: Weights) -> Ridge:
        matrix, rhs = weighted_sum(self._grams, list(weights[: len(self._grams)]))
        return Ridge(matrix, rhs, scaled=self._scaled, noise=self._noise)

    def _attempt(self, ridge: Ridge, regularization: float) -> Solution | None:
        solution = ridge.cholesky(regularization)
        self._progress.advance(1)
        if solution is None:
            self.failed += 1
        return _finite(solution)

    def _raise_regularization(self, ridge: Ridge, regularization: float) -> Solution:
        """A little more λ costs little; an eigendecomposition takes many times as long and twice the memory."""
        raised = regularization
        while raised < LARGEST_RAISED * regularization:
            raised *= 10.0
            self._progress.message(f"trying regularization {raised:g} instead")
            if (solution := _finite(ridge.cholesky(raised))) is not None:
                return solution
        self._progress.message(f"falling back to an eigendecomposition at regularization {regularization:g}")
        solution = ridge.eigenvalues(regularization)
        _finite(solution)
        return solution

    def _report(self, failed: int, tried: int) -> None:
        self._progress.message(
            f"Cholesky failed for {failed} of {tried} regularizations: the Gram matrix is singular to rounding there"
        )

    def _scored(self, solution: Solution, weights: Weights, valid: Samples) -> Choice:
        derivatives = len(self._grams) > 1
        return Choice(solution, weights, validate(self.blocks, solution, valid, self._batch_size, derivatives))


def _with(weights: Weights, kind: int, weight: float) -> Weights:
    return (*weights[:kind], weight, *weights[kind + 1 :])


def _finite(solution: Solution | None) -> Solution | None:
    """The same; raises UserError where it is not finite."""
    if solution is not None and not (np.isfinite(solution.coefficients).all() and np.isfinite(solution.residual)):
        raise UserError("the fit overflowed; are the energies and forces of the data in a sensible unit?")
    return solution
