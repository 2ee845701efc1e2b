"""Many outputs at once and no derivatives: the fit of a direct model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from rfp_md.arrays import Floats
from rfp_md.errors import UserError
from rfp_md.linalg.gram import Gram, weighted_sum
from rfp_md.linalg.ridge import DualRidge, Ridge, Solution
from rfp_md.progress import Progress
from rfp_md.regressors.base import Samples
from rfp_md.regressors.fitting.rows import FeatureBlock, energy_rows

Solve = Callable[[float], Solution]


class DirectFit:
    """min_C |Y − Φ C|² + λ |C|², thesis Algorithms 3 and 4, with Φ_mk = Σ_s φ_k(x_ms) and Y (M, P)."""

    def __init__(self, blocks: list[FeatureBlock], batch_size: int, progress: Progress, *, scaled: bool = True) -> None:
        self.blocks = blocks
        self._batch_size, self._progress, self._scaled = batch_size, progress, scaled

    def run(self, train: Samples, valid: Samples, lambdas: Sequence[float]) -> tuple[Solution, float | None]:
        """Choose λ on the validation samples, which then join the training samples; with it, their mean error.

        Where there is one λ, there may be no validation samples.
        """
        if len(valid) == 0 and len(lambdas) == 1:
            return self._solver([train], "Training frames")(lambdas[0]), None
        solve = self._solver([train], "Training frames")
        solutions = [solve(value) for value in lambdas]
        self._progress.start("Choosing λ", len(valid), "rows")
        rows, targets = (np.concatenate(arrays) for arrays in zip(*self._pieces([valid]), strict=True))
        errors = [float(np.abs(rows @ solution.coefficients - targets).mean()) for solution in solutions]
        best, error = min(zip(solutions, errors, strict=True), key=lambda pair: pair[1])
        if not np.isfinite(error):
            raise UserError("the fit overflowed; are the energies and forces of the data in a sensible unit?")
        return self._solver([train, valid], "All frames")(best.regularization), error

    def _solver(self, parts: list[Samples], label: str) -> Solve:
        """λ to solution: from the rows where they are fewer than the features, else from their Gram matrix."""
        n_rows, width = sum(len(part) for part in parts), self.blocks[-1].columns.stop
        self._progress.start(label, n_rows, "rows")
        pieces = self._pieces(parts)
        if n_rows <= width:
            rows, targets = (np.concatenate(arrays) for arrays in zip(*pieces, strict=True))
            return DualRidge(rows, targets, scaled=self._scaled).solve
        first_rows, first_targets = next(pieces)
        gram = Gram(width, first_targets.shape[1])
        gram.add(first_rows, first_targets)
        for rows, targets in pieces:
            gram.add(rows, targets)
        ridge = Ridge(*weighted_sum([gram], [1.0]), scaled=self._scaled)
        return lambda value: ridge.cholesky(value) or ridge.eigenvalues(value)

    def _pieces(self, parts: list[Samples]) -> Iterator[tuple[Floats, Floats]]:
        """Rows and targets, batch by batch."""
        for part in parts:
            for batch in part.batches(self._batch_size, derivatives=False):
                yield energy_rows(self.blocks, batch.terms), np.asarray(batch.outputs)
                self._progress.advance(len(batch.energies))
