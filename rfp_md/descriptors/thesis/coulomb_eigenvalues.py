"""Eigenvalues of the Coulomb matrix."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from rfp_md.arrays import Floats
from rfp_md.descriptors.base import Capabilities
from rfp_md.descriptors.thesis.coulomb_matrix import SORTED, CoulombBase, atom_pairs, refuse_crossings
from rfp_md.frames import Frames


class CoulombEigenvalues(CoulombBase):
    """λ_1 ≤ … ≤ λ_N of C v_k = λ_k v_k with the Coulomb matrix C (thesis, section 3.2.3; Rupp et al. 2012).

    dλ_k/dr = v_k · dC/dr v_k. Where two eigenvalues cross, they change places and their derivatives jump: not for
    MD. A structure at a crossing itself has no derivative and is refused.
    """

    name: ClassVar[str] = "coulomb_eigenvalues"
    compatible_since: ClassVar[str | None] = "0.1.0"
    capabilities: ClassVar[Capabilities] = SORTED

    def values(self, frames: Frames) -> Floats:
        """λ_k of C in ascending order (M, 1, N)."""
        return np.asarray(np.linalg.eigvalsh(self.matrices(frames))[:, None], dtype=np.float64)

    def jacobian(self, frames: Frames) -> Floats:
        """dλ_k/dr = v_k · dC/dr v_k (M, 1, N, N, 3). Raises UserError where two eigenvalues cross."""
        values, vectors = np.linalg.eigh(self.matrices(frames))
        refuse_crossings(self, frames, values, "eigenvalues")
        return self.spectral_derivatives(frames, vectors)[:, None]

    def spectral_derivatives(self, frames: Frames, vectors: Floats) -> Floats:
        """dλ_k/dr (M, N, N, 3) for eigenvectors in columns (M, N, N): every pair counts twice in v·dC v."""
        pairs = atom_pairs(frames.n_atoms)
        weights = 2.0 * vectors[:, pairs.first] * vectors[:, pairs.second]
        derivatives = self.entry_derivatives(frames)
        flat = weights.transpose(0, 2, 1) @ derivatives.reshape(*derivatives.shape[:2], -1)
        spectral: Floats = flat.reshape(len(frames), frames.n_atoms, frames.n_atoms, 3)
        return spectral
