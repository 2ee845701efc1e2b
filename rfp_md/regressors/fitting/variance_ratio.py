"""How far the spread of a committee is from the errors on samples that its solve did not see."""

from __future__ import annotations

import numpy as np

from rfp_md.arrays import Floats
from rfp_md.linalg.ridge import Solution

NEGLIGIBLE = 1e-12  # of the mean variance; below it both error and variance are rounding, as of a force that is zero by
# symmetry, and their ratio could be anything


class VarianceRatio:
    """s² = mean over targets t of (y_t − Φ_t c)² / var_p(Φ_t δ_p); rows come in pieces."""

    def __init__(self, candidate: Solution) -> None:
        self._draws = candidate.draws  # (K, P)
        self._squares: list[Floats] = []
        self._variances: list[Floats] = []

    def add(self, rows: Floats, errors: Floats) -> None:
        """Take rows Φ (n, K) and the candidate's errors on them (n,)."""
        if self._draws is not None:
            self._squares.append(np.square(errors))
            self._variances.append((rows @ self._draws).var(axis=1, ddof=1))

    def mean(self) -> float | None:
        """The mean s², or None where the candidate has no draws."""
        if self._draws is None or not self._squares:
            return None
        squares, variances = np.concatenate(self._squares), np.concatenate(self._variances)
        kept = variances > NEGLIGIBLE * variances.mean()
        return float(np.mean(squares[kept] / variances[kept])) if kept.any() else 0.0
