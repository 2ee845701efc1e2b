"""Labels of two levels in one problem: a low level of many frames, a high level of few.

    E_low = Σ_k c_k φ_k,  E_high = Σ_k (c_k + d_k) φ_k,  with ridge λ D on c and λ/s² D on d

d is a second readout of the same features, s times as large as c a priori. With a = c + d, the readout of the model,
and c eliminated, the rows of the low level are equations for a that are believed up to d:

    (G + M − M (P + M)⁻¹ M) a = y + M (P + M)⁻¹ y_low        P = G_low + λ D,  M = λ/s² D

For s → 0 they count as rows of the high level, for s → ∞ they say nothing. So no system is larger than K × K, and a
model of two levels is one of one level.

symbol           here
G, y             of the high level: ``matrix`` and ``rhs``
G_low, y_low     ``low``
s                ``closeness``
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.linalg.lapack import dpotrf, dpotri, dpotrs

from rfp_md.arrays import Floats
from rfp_md.linalg.gram import NormalEquations, weighted_sum
from rfp_md.linalg.ridge import Ridge, Solution, column_scale, mirror
from rfp_md.progress import Progress
from rfp_md.regressors.fitting.solve import Solver, System, Weights

CLOSENESS = (0.3, 0.1, 0.03, 0.01, 1.0)  # s to choose from, the usual one first


class TwoLevels:
    """The system of both levels, scaled so that the diagonal of their sum is 1, for any λ; as ``Ridge``."""

    def __init__(
        self, high: tuple[Floats, Floats], low: tuple[Floats, Floats], closeness: float, noise: Floats | None
    ) -> None:
        """Take over the lower triangles of G and G_low (K, K), with y and y_low (K,)."""
        self._scale = column_scale(high[0].diagonal() + low[0].diagonal(), scaled=True)
        self._noise, self._closeness = noise, closeness
        self._high, self._low = (self._scaled(matrix) for matrix in (high[0], low[0]))
        self._rhs, self._low_rhs = high[1] / self._scale, low[1] / self._scale

    def cholesky(self, regularization: float) -> Solution | None:
        """Solve by Cholesky; None where a matrix is not positive definite."""
        softened = self._softened(regularization)
        if softened is None:
            return None
        matrix, rhs = softened
        solution = Ridge(matrix + self._high, rhs + self._rhs, scaled=False, noise=self._noise).cholesky(0.0)
        return None if solution is None else self._unscaled(solution, regularization)

    def eigenvalues(self, regularization: float) -> Solution:
        """Solve by an eigendecomposition, where λ was raised in vain."""
        matrix, rhs = self._softened(1e3 * regularization) or (np.zeros_like(self._high), np.zeros_like(self._rhs))
        ridge = Ridge(matrix + self._high, rhs + self._rhs, scaled=False, noise=self._noise)
        return self._unscaled(ridge.eigenvalues(regularization), regularization)

    def _softened(self, regularization: float) -> tuple[Floats, Floats] | None:
        """M − M (P + M)⁻¹ M, and M (P + M)⁻¹ y_low."""
        m = regularization / self._closeness**2
        factor, failed = dpotrf(self._low + (regularization + m) * np.eye(len(self._low)), lower=1, clean=1)
        if failed:
            return None
        rhs = m * dpotrs(factor, self._low_rhs, lower=1)[0]
        inverse, _ = dpotri(factor, lower=1, overwrite_c=1)
        return np.asfortranarray(m * np.eye(len(inverse)) - m**2 * inverse), rhs.reshape(-1)

    def _scaled(self, matrix: Floats) -> Floats:
        matrix /= self._scale[:, None]
        matrix /= self._scale
        mirror(matrix)
        return matrix

    def _unscaled(self, solution: Solution, regularization: float) -> Solution:
        draws = None if solution.draws is None else solution.draws / self._scale[:, None]
        return Solution(solution.coefficients / self._scale, regularization, solution.method, solution.residual, draws)


class LevelSolver(Solver):
    """Solves the equations of two levels for any weights w, which both have in common, and any λ.

    Attributes:
        closeness: s.
    """

    def __init__(
        self,
        equations: Sequence[NormalEquations],
        progress: Progress,
        low: Sequence[NormalEquations],
        *,
        noise: Floats | None = None,
        prior: NormalEquations | None = None,
    ) -> None:
        super().__init__(equations, progress, noise=noise, prior=prior)
        self.closeness, self._low = CLOSENESS[0], low

    def system(self, weights: Weights) -> System:
        """The weighted sums of the equations of each level, ready for any λ; the prior is of the high level."""
        high = self._sum(weights)
        return TwoLevels(high, weighted_sum(self._low, weights[: len(self._low)]), self.closeness, self._noise)
