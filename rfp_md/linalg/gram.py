"""Normal equations that grow with the data: memory O(K²), whatever the number of rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from scipy.linalg.blas import dsyrk

from rfp_md.frames import Floats


class NormalEquations(Protocol):
    """ΦᵀΦ and Φᵀy of rows that come in pieces.

    Attributes:
        rhs: Φᵀy.
    """

    rhs: Floats

    def add(self, rows: Floats, targets: Floats) -> None:
        """Add rows Φ (n, K), C-contiguous, with targets y (n,) or (n, P)."""

    def add_to(self, matrix: Floats, weight: float) -> None:
        """Add w ΦᵀΦ to the lower triangle of ``matrix`` (K, K), Fortran order."""


class Gram:
    """ΦᵀΦ itself (lower triangle, float64), for one y or for ``n_targets``."""

    def __init__(self, width: int, n_targets: int | None = None) -> None:
        self.matrix: Floats = np.zeros((width, width), order="F")
        self.rhs: Floats = np.zeros(width if n_targets is None else (width, n_targets))

    def add(self, rows: Floats, targets: Floats) -> None:
        if len(rows) == 0:
            return
        # The transpose of a C-ordered array is what dsyrk wants; the sum goes into the matrix in place.
        dsyrk(1.0, rows.T, beta=1.0, c=self.matrix, lower=1, overwrite_c=1)
        self.rhs += rows.T @ targets

    def add_to(self, matrix: Floats, weight: float) -> None:
        # Column by column, so that no further K × K array is needed for the product.
        for k in range(matrix.shape[1]):
            matrix[k:, k] += weight * self.matrix[k:, k]


class FewRows:
    """Φ itself: where there are far fewer rows than features, K × K numbers are saved."""

    def __init__(self, width: int) -> None:
        self._pieces: list[Floats] = []
        self.rhs: Floats = np.zeros(width)

    def add(self, rows: Floats, targets: Floats) -> None:
        self._pieces.append(rows.copy())
        self.rhs += rows.T @ targets

    def add_to(self, matrix: Floats, weight: float) -> None:
        # One product for all rows: each one goes through the whole matrix, whatever the number of rows.
        self._pieces = [np.concatenate(self._pieces)] if self._pieces else []
        for rows in self._pieces:
            dsyrk(weight, rows.T, beta=1.0, c=matrix, lower=1, overwrite_c=1)


def keeps_rows(n_rows: int, width: int) -> bool:
    """Whether so many rows are kept as they are."""
    return 4 * n_rows <= width


def weighted_sum(equations: Sequence[NormalEquations], weights: Sequence[float]) -> tuple[Floats, Floats]:
    """Σ_i w_i ΦᵢᵀΦᵢ (lower triangle) and Σ_i w_i Φᵢᵀyᵢ."""
    width = len(equations[0].rhs)
    matrix, rhs = np.zeros((width, width), order="F"), np.zeros_like(equations[0].rhs)
    for part, weight in zip(equations, weights, strict=True):
        part.add_to(matrix, weight)
        rhs += weight * part.rhs
    return matrix, rhs
