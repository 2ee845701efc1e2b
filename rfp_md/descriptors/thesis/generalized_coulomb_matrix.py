"""The Coulomb matrix with a three-body term."""

from __future__ import annotations

from functools import lru_cache
from typing import ClassVar

import numpy as np
from pydantic import Field

from rfp_md.arrays import Floats, Ints
from rfp_md.descriptors.base import Capabilities
from rfp_md.descriptors.thesis.coulomb_matrix import CoulombBase, atom_pairs
from rfp_md.descriptors.thesis.triples import atom_triples
from rfp_md.frames import Frames
from rfp_md.plugins.parameter_types import Positive


class GeneralizedCoulombMatrix(CoulombBase):
    """[K, G] with G_ijk = exp(−(d_ij² + d_jk² + d_ki²) / σ²) for i < j < k (thesis, eq. 3.18).

    One site: the whole Coulomb matrix K, row after row, then G. The author's code has every triple six
    times, and degenerate ones (i = j, …) too; here each is taken once. Two more things are the author's: plain
    distances instead of squared ones, with ``squared=false``, and σ = 0.5 Å, with which little is left of G:
    6e-6 for three atoms 1 Å apart.
    """

    name: ClassVar[str] = "generalized_coulomb_matrix"
    compatible_since: ClassVar[str | None] = "0.1.0"
    capabilities: ClassVar[Capabilities] = Capabilities(
        differentiable=True, translation_invariant=True, rotation_invariant=True, fixed_composition=True
    )

    sigma: Positive = Field(0.5, description="σ, Å; with squared=false its square is in Å")
    squared: bool = Field(
        True, description="squared distances as in eq. 3.18; false: plain ones, as in the author's code"
    )

    def values(self, frames: Frames) -> Floats:
        """K row after row, then G_ijk of the T triples (M, 1, N² + T)."""
        distances, _ = atom_pairs(frames.n_atoms).separations(frames)
        matrices = self.matrices(frames).reshape(len(frames), -1)
        return np.concatenate([matrices, self._triples(distances, frames.n_atoms)], axis=1)[:, None]

    def jacobian(self, frames: Frames) -> Floats:
        """dK/dr, and dG/dr = G · Σ_sides d(log G)/dd · ∂d/∂r (M, 1, N² + T, N, 3)."""
        pairs, n_atoms = atom_pairs(frames.n_atoms), frames.n_atoms
        distances, apart = pairs.separations(frames)
        matrices = self.matrix_derivatives(frames).reshape(len(frames), -1, n_atoms, 3)
        of_sides = pairs.chain(self._log_derivatives(distances), distances, apart)[:, _sides(n_atoms)[0]]
        triples = self._triples(distances, n_atoms)[..., None, None] * of_sides.sum(axis=1)
        return np.concatenate([matrices, triples], axis=1)[:, None]

    def pullback(self, frames: Frames, gradient: Floats) -> Floats:
        """dE/dr (M, N, 3): what the triples of a pair say of its distance is added before the chain rule."""
        pairs, n_atoms = atom_pairs(frames.n_atoms), frames.n_atoms
        distances, apart = pairs.separations(frames)
        of_matrix, of_triples = np.split(gradient[:, 0], [n_atoms**2], axis=1)
        in_triples = (of_triples * self._triples(distances, n_atoms))[:, _sides(n_atoms)[1]].sum(axis=2)
        of_pairs = in_triples * self._log_derivatives(distances)
        return pairs.pull(of_pairs, distances, apart) + self.pull(frames, of_matrix.reshape(-1, n_atoms, n_atoms))

    def _triples(self, distances: Floats, n_atoms: int) -> Floats:
        """G (M, T) at distances (M, P)."""
        sides, _ = _sides(n_atoms)
        lengths = distances**2 if self.squared else distances
        return np.asarray(np.exp(-lengths[:, sides].sum(axis=1) / self.sigma**2))

    def _log_derivatives(self, distances: Floats) -> Floats:
        """d(log G)/d(distance) (M, P), the same for every triple that a pair is a side of."""
        return -(2.0 * distances if self.squared else np.ones_like(distances)) / self.sigma**2


@lru_cache(maxsize=16)
def _sides(n_atoms: int) -> tuple[Ints, Ints]:
    """The pairs that are the sides of each triple (3, T), and the triples that each pair is a side of (P, N − 2)."""
    pairs, (i, j, k) = atom_pairs(n_atoms), atom_triples(n_atoms)
    number = np.zeros((n_atoms, n_atoms), dtype=np.int64)
    number[pairs.first, pairs.second] = np.arange(len(pairs.first))
    sides = np.stack([number[i, j], number[j, k], number[i, k]])
    triples_of = np.argsort(sides.ravel(), kind="stable").reshape(len(pairs.first), n_atoms - 2) % max(1, len(i))
    return sides, triples_of
