"""How far the spread of a committee is from the errors on samples that its solve did not see."""

from __future__ import annotations

import numpy as np

from rfp_md.frames import Floats
from rfp_md.linalg.ridge import Solution

NEGLIGIBLE = 1e-12  # of the mean variance; below it both error and variance are rounding, as of a force that is zero by
# symmetry, and their ratio could be anything


class VarianceRatio:
    """s² = mean over targets t of (y_t − Φ_t c)² / var_p(Φ_t δ_p), for every candidate; rows come in pieces."""

    def __init__(self, candidates: list[Solution]) -> None:
        drawn = [candidate.deviations for candidate in candidates if candidate.deviations is not None]
        self._deviations = np.stack(drawn, axis=1) if len(drawn) == len(candidates) else None  # (K, C, P)
        self._squares: list[Floats] = []
        self._variances: list[Floats] = []

    def add(self, rows: Floats, errors: Floats) -> None:
        """Take rows Φ (n, K) and the candidates' errors on them (n, C)."""
        if self._deviations is None:
            return
        members = (rows @ self._deviations.reshape(len(self._deviations), -1)).reshape(*errors.shape, -1)
        self._squares.append(np.square(errors))
        self._variances.append(members.var(axis=2, ddof=1))

    def means(self) -> Floats | None:
        """s² (C,), or None where there are no deviations."""
        if self._deviations is None or not self._squares:
            return None
        squares, variances = np.concatenate(self._squares), np.concatenate(self._variances)
        kept = variances > NEGLIGIBLE * variances.mean(axis=0)
        ratios = np.divide(squares, variances, out=np.zeros_like(squares), where=kept)
        return np.asarray(ratios.sum(axis=0) / np.maximum(kept.sum(axis=0), 1))
