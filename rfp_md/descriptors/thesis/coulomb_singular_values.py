"""Singular values of the Coulomb matrix."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from rfp_md.arrays import Floats
from rfp_md.descriptors.thesis.coulomb_eigenvalues import CoulombEigenvalues
from rfp_md.descriptors.thesis.coulomb_matrix import refuse_crossings
from rfp_md.frames import Frames


class CoulombSingularValues(CoulombEigenvalues):
    """σ_1 ≥ … ≥ σ_N, the singular values of the Coulomb matrix (thesis, section 3.2.3).

    The matrix is symmetric, so they are the absolute values of its eigenvalues: dσ_k/dr = ± v_k · dC/dr v_k.
    """

    name: ClassVar[str] = "coulomb_singular_values"

    def values(self, frames: Frames) -> Floats:
        """σ_k = |λ| in descending order (M, 1, N)."""
        return -np.sort(-np.abs(super().values(frames)), axis=2)

    def jacobian(self, frames: Frames) -> Floats:
        """dσ_k/dr = ± dλ/dr (M, 1, N, N, 3). Raises UserError where two singular values cross."""
        values, vectors = np.linalg.eigh(self.matrices(frames))
        order = np.argsort(-np.abs(values), axis=1)
        refuse_crossings(self, frames, np.abs(np.take_along_axis(values, order, axis=1)), "singular values")
        signed = np.sign(values)[:, :, None, None] * self.spectral_derivatives(frames, vectors)
        return np.take_along_axis(signed, order[:, :, None, None], axis=1)[:, None]
