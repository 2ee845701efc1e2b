"""Normal equations that grow with the data: memory O(K²), whatever the number of rows."""

from __future__ import annotations

import numpy as np
from scipy.linalg.blas import dsyrk

from rfp_md.frames import Floats


class Gram:
    """ΦᵀΦ (lower triangle, float64) and Φᵀy of rows that come in pieces, for one y or for ``n_targets``."""

    def __init__(self, width: int, n_targets: int | None = None) -> None:
        self.matrix: Floats = np.zeros((width, width), order="F")
        self.rhs: Floats = np.zeros(width if n_targets is None else (width, n_targets))

    def add(self, rows: Floats, targets: Floats) -> None:
        """Add rows Φ (n, K), C-contiguous, with targets y (n,) or (n, P)."""
        if len(rows) == 0:
            return
        # The transpose of a C-ordered array is what dsyrk wants; the sum goes into the matrix in place.
        dsyrk(1.0, rows.T, beta=1.0, c=self.matrix, lower=1, overwrite_c=1)
        self.rhs += rows.T @ targets


def weighted_sum(grams: list[Gram], weights: list[float]) -> tuple[Floats, Floats]:
    """Σ_i w_i ΦᵢᵀΦᵢ (lower triangle) and Σ_i w_i Φᵢᵀyᵢ."""
    matrix, rhs = weights[0] * grams[0].matrix, weights[0] * grams[0].rhs
    for gram, weight in zip(grams[1:], weights[1:], strict=True):
        # Column by column, so that no second K × K array is needed for the product.
        for k in range(matrix.shape[1]):
            matrix[k:, k] += weight * gram.matrix[k:, k]
        rhs += weight * gram.rhs
    return matrix, rhs
