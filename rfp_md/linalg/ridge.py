"""Ridge regression from normal equations: (A + λ D) c = y with D = diag A (or 1), for many λ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import eigh
from scipy.linalg.blas import dsymm
from scipy.linalg.lapack import dpotrf, dpotrs, dtrtrs

from rfp_md.arrays import Floats

BLOCK = 512  # columns
EIGENVALUE_FLOOR = 1e-14  # relative; below it an eigenvalue of a float64 Gram matrix is rounding


@dataclass(frozen=True, eq=False)
class Solution:
    """A readout, and how it was found.

    Attributes:
        coefficients: c (K,), or (K, P) for P right-hand sides.
        method: ``cholesky``, ``eigenvalues`` or ``dual``.
        residual: |(A + λD)c − y| / |y| in the scaled system.
        draws: of the posterior's deviation from c (K, P), of covariance (A + λD)⁻¹, or None.
    """

    coefficients: Floats
    regularization: float
    method: str
    residual: float
    draws: Floats | None = None


class Ridge:
    """One symmetric system, scaled to unit diagonal so that λ has the same meaning for every feature.

    Smooth features make A nearly singular by nature; λ near rounding is where the best models are, so a
    failed factorisation is expected now and then: ``cholesky`` then returns None and the caller goes on.

    One K × K array holds everything: A in its upper triangle, the factor of the moment in its lower one.
    """

    def __init__(self, matrix: Floats, rhs: Floats, *, scaled: bool = True, noise: Floats | None = None) -> None:
        """Take over ``matrix`` (lower triangle, Fortran order; it is overwritten) and ``rhs`` (K,) or (K, P).

        Args:
            scaled: D = diag A; else D = 1, so that λ has the size of the matrix.
            noise: ξ (K, P), standard normal, of which every solution's draws are made.
        """
        self._noise = noise
        self._scale = column_scale(matrix.diagonal(), scaled)
        matrix /= self._scale[:, None]
        matrix /= self._scale
        mirror(matrix)
        self._matrix, self._diagonal, self._shape = matrix, matrix.diagonal().copy(), rhs.shape
        self._rhs = rhs.reshape(len(rhs), -1) / self._scale[:, None]

    def cholesky(self, regularization: float) -> Solution | None:
        """Solve by Cholesky with one step of refinement; None where the matrix is not positive definite.

        The draws are D^-½ L⁻ᵀ ξ with L Lᵀ the factorised matrix.
        """
        mirror(self._matrix.T)
        self._set_diagonal(self._diagonal + regularization)
        factor, failed = dpotrf(self._matrix, lower=1, overwrite_a=1, clean=0)
        if failed:
            self._set_diagonal(self._diagonal)
            return None
        of_factor = factor.diagonal().copy()
        solution, _ = dpotrs(factor, self._rhs, lower=1)
        drawn = None if self._noise is None else dtrtrs(factor, self._noise, lower=1, trans=1)[0]
        self._set_diagonal(self._diagonal)
        remainder = self._remainder(solution, regularization)
        self._set_diagonal(of_factor)
        correction, _ = dpotrs(factor, remainder, lower=1)
        self._set_diagonal(self._diagonal)
        return self._solution(solution + correction, regularization, "cholesky", drawn)

    def eigenvalues(self, regularization: float) -> Solution:
        """Solve by an eigendecomposition, whatever the matrix; more than ten times slower.

        The draws are D^-½ V (Λ + λ)^-½ Vᵀ ξ over the eigenvectors that the solution is made of.
        """
        values, vectors = eigh(self._matrix, lower=False)
        kept = values > EIGENVALUE_FLOOR * values[-1]
        vectors = vectors[:, kept]
        solution = vectors @ ((vectors.T @ self._rhs) / (values[kept] + regularization)[:, None])
        drawn = None
        if self._noise is not None:
            drawn = vectors @ ((vectors.T @ self._noise) / np.sqrt(values[kept] + regularization)[:, None])
        return self._solution(solution, regularization, "eigenvalues", drawn)

    def _set_diagonal(self, values: Floats) -> None:
        np.einsum("kk->k", self._matrix)[:] = values

    def _remainder(self, solution: Floats, regularization: float) -> Floats:
        return np.asarray(self._rhs - dsymm(1.0, self._matrix, solution, lower=0) - regularization * solution)

    def _solution(self, scaled: Floats, regularization: float, method: str, drawn: Floats | None) -> Solution:
        size = np.linalg.norm(self._rhs) or 1.0
        residual = float(np.linalg.norm(self._remainder(scaled, regularization)) / size)
        coefficients = (scaled / self._scale[:, None]).reshape(self._shape)
        draws = None if drawn is None else drawn / self._scale[:, None]
        return Solution(coefficients, regularization, method, residual, draws)


class DualRidge:
    """Ridge regression from the rows themselves, for fewer rows than columns.

        c = D⁻¹ Φᵀ V (Λ + λ)⁻¹ Vᵀ y   with the eigenvectors of Φ D⁻¹ Φᵀ = V Λ Vᵀ,

    one decomposition of the size of the number of rows, whatever λ.
    """

    def __init__(self, rows: Floats, targets: Floats, *, scaled: bool = True) -> None:
        """Decompose.

        Args:
            rows: Φ (n, K), left as it is.
            targets: y (n, P).
        """
        self._scale = column_scale(np.einsum("nk,nk->k", rows, rows), scaled)
        self._rows, self._targets = rows / self._scale, targets
        self._values, self._vectors = eigh(self._rows @ self._rows.T, lower=True, driver="evd")

    def solve(self, regularization: float) -> Solution:
        """Solve for one λ, leaving out the eigenvectors whose eigenvalues are rounding."""
        kept = self._values > EIGENVALUE_FLOOR * self._values[-1]
        vectors = self._vectors[:, kept]
        dual = vectors @ ((vectors.T @ self._targets) / (self._values[kept] + regularization)[:, None])
        scaled = self._rows.T @ dual
        size = np.linalg.norm(self._targets) or 1.0
        residual = float(np.linalg.norm(self._rows @ scaled + regularization * dual - self._targets) / size)
        return Solution(scaled / self._scale[:, None], regularization, "dual", residual)


def mirror(matrix: Floats) -> None:
    """Copy the lower triangle to the upper one, in place and in blocks that fit the cache."""
    for start in range(0, len(matrix), BLOCK):
        part = slice(start, start + BLOCK)
        for other in range(start + BLOCK, len(matrix), BLOCK):
            below = slice(other, other + BLOCK)
            matrix[part, below] = matrix[below, part].T
        square = matrix[part, part]
        square[:] = np.tril(square) + np.tril(square, -1).T


def column_scale(diagonal: Floats, scaled: bool) -> Floats:
    """√D (K,) of a diagonal: what the columns are divided by, so that it is 1; ones where λ is not relative."""
    return np.where(diagonal > 0, np.sqrt(np.maximum(diagonal, 0)), 1.0) if scaled else np.ones(len(diagonal))
