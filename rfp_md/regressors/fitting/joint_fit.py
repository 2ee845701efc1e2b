"""One linear solve for energies, forces and stresses, and the choice of its hyper-parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rfp_md.arrays import Floats, Ints
from rfp_md.errors import UserError
from rfp_md.linalg.gram import FewRows, Gram, NormalEquations, keeps_rows, weighted_sum
from rfp_md.linalg.ridge import Ridge, Solution, column_scale
from rfp_md.linalg.selection import select_columns
from rfp_md.progress import Progress
from rfp_md.regressors.base import Samples
from rfp_md.regressors.fitting.rows import Block, feature_rows, targets
from rfp_md.regressors.fitting.scores import Score, validate

Weights = tuple[float, ...]
USUAL_SOLVES = 4  # λ that are tried as a rule, where there are so many
SELECTION_REGULARIZATION = 1e-12  # while features are selected; about what is best for the solve
FEW_ROWS = 2  # for each feature; with fewer, a fit comes close to every single target, and its error has no one minimum
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
        noise: ξ (K, P) of every solution's deviations, or None.
    """

    def __init__(
        self,
        blocks: list[Block],
        n_rows: Sequence[int],
        batch_size: int,
        progress: Progress,
        *,
        scaled: bool = True,
    ) -> None:
        """Start with no rows.

        Args:
            n_rows: how many rows of energies, slopes and strain slopes will come; fewer numbers where there are none.
            scaled: whether λ is relative to the features' size.
        """
        self.blocks, self.failed = blocks, 0
        self.noise: Floats | None = None
        self._scaled, self._n_rows, self._batch_size, self._progress = scaled, n_rows, batch_size, progress
        self.restart()

    @property
    def width(self) -> int:
        return int(self.blocks[-1].columns.stop)

    def restart(self) -> None:
        """Forget all rows."""
        self._grams: list[NormalEquations] = [
            FewRows(self.width) if keeps_rows(count, self.width) else Gram(self.width) for count in self._n_rows
        ]

    def add(self, samples: Samples, label: str) -> None:
        """Stream samples into the normal equations."""
        self._progress.start(label, len(samples) * (sum(self._n_rows) // self._n_rows[0]), "rows")
        for batch in samples.batches(self._batch_size, derivatives=len(self._grams) > 1):
            for gram, rows, target in zip(self._grams, feature_rows(self.blocks, batch), targets(batch), strict=False):
                if rows is not None and target is not None:
                    gram.add(rows, target)
                    self._progress.advance(len(rows))

    def select(self, count: int, weights: Weights) -> None:
        """Keep so many features, those that explain most of the samples so far, and at least one of each block."""
        self._progress.start("Choosing features", count, "features")
        grams = self._grams
        diagonal = sum(w * gram.diagonal() for w, gram in zip(weights, grams, strict=False))
        scale = column_scale(np.asarray(diagonal), scaled=True)
        rhs = sum(w * gram.rhs for w, gram in zip(weights, grams, strict=False)) / scale

        def part(rows: Ints, columns: Ints) -> Floats:
            total = sum(w * gram.part(rows, columns) for w, gram in zip(weights, grams, strict=False))
            return np.asarray(total / scale[rows, None] / scale[columns])

        chosen = select_columns(part, rhs, count, SELECTION_REGULARIZATION, self._progress)
        left_out = [block.columns.start for block in self.blocks if not _inside(chosen, block).any()]
        kept = np.sort(np.append(chosen, np.array(left_out, dtype=np.int64)))
        for gram in grams:
            gram.restrict(kept)
        blocks, start = [], 0
        for block in self.blocks:
            mine = kept[_inside(kept, block)] - block.columns.start
            blocks.append(replace(block, columns=slice(start, start + len(mine)), features=block.features.some(mine)))
            start += len(mine)
        self.blocks = blocks

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
        _check_finite(solution)
        return solution

    def _choose_lambda(self, valid: Samples, weights: Weights, lambdas: Sequence[float]) -> Choice:
        """From a rather small λ to smaller ones while the error falls; to larger ones where it does not.

        The error has one minimum, and each λ costs a factorisation: most of them need not be tried. Only where there
        are hardly more rows than features, it may have several, and all λ are tried.
        """
        self._progress.start("Choosing λ", min(len(lambdas), USUAL_SOLVES), "solves")
        ridge, before = self._ridge(weights), self.failed
        ascending = sorted(lambdas)
        few_rows = sum(self._n_rows) < FEW_ROWS * self.width
        start = 0 if few_rows else (len(ascending) - 1) // 3
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
                if best is None or found.score.value < best.score.value:
                    best = found
                elif not few_rows:
                    break
        if self.failed > before:
            self._report(self.failed - before, tried)
        return best or self._scored(self._raise_regularization(ridge, ascending[-1]), weights, valid)

    def _ridge(self, weights: Weights) -> Ridge:
        matrix, rhs = weighted_sum(self._grams, list(weights[: len(self._grams)]))
        return Ridge(matrix, rhs, scaled=self._scaled, noise=self.noise)

    def _attempt(self, ridge: Ridge, regularization: float) -> Solution | None:
        solution = ridge.cholesky(regularization)
        self._progress.advance(1)
        if solution is None:
            self.failed += 1
        return solution

    def _raise_regularization(self, ridge: Ridge, regularization: float) -> Solution:
        """A little more λ costs little; an eigendecomposition takes many times as long and twice the memory."""
        raised = regularization
        while raised < LARGEST_RAISED * regularization:
            raised *= 10.0
            self._progress.message(f"trying regularization {raised:g} instead")
            if (solution := ridge.cholesky(raised)) is not None:
                return solution
        self._progress.message(f"falling back to an eigendecomposition at regularization {regularization:g}")
        return ridge.eigenvalues(regularization)

    def _report(self, failed: int, tried: int) -> None:
        self._progress.message(
            f"Cholesky failed for {failed} of {tried} regularizations: the Gram matrix is singular to rounding there"
        )

    def _scored(self, solution: Solution, weights: Weights, valid: Samples) -> Choice:
        _check_finite(solution)
        derivatives = len(self._grams) > 1
        return Choice(solution, weights, validate(self.blocks, solution, valid, self._batch_size, derivatives))


def _with(weights: Weights, kind: int, weight: float) -> Weights:
    return (*weights[:kind], weight, *weights[kind + 1 :])


def _check_finite(solution: Solution) -> None:
    if not (np.isfinite(solution.coefficients).all() and np.isfinite(solution.residual)):
        raise UserError("the fit overflowed; are the energies and forces of the data in a sensible unit?")


def _inside(columns: Ints, block: Block) -> NDArray[np.bool_]:
    return np.asarray((columns >= block.columns.start) & (columns < block.columns.stop))
