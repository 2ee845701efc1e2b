"""The Coulomb matrix with its atoms in the order of its column sums."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from rfp_md.descriptors.base import Capabilities
from rfp_md.descriptors.coulomb_matrix import SORTED, CoulombBase, atom_pairs, refuse_crossings
from rfp_md.frames import Floats, Frames, Ints


class SortedCoulombMatrix(CoulombBase):
    """C_p(i)p(j) with the permutation p that makes the column sums Σ_i C_ij ascend (thesis, section 3.2.3).

    Invariant under every relabelling of atoms, but not smooth: where two column sums cross, two rows
    change places and the values jump. A derivative is given away from crossings only, and a structure
    at one is refused. Do not run MD with it.
    """

    name: ClassVar[str] = "sorted_coulomb_matrix"
    compatible_since: ClassVar[str | None] = "0.1.0"
    capabilities: ClassVar[Capabilities] = SORTED

    def values(self, frames: Frames) -> Floats:
        matrices = self.matrices(frames)
        order = np.argsort(matrices.sum(axis=1), axis=1, kind="stable")
        return self._reordered(matrices, order).reshape(len(frames), 1, -1)

    def jacobian(self, frames: Frames) -> Floats:
        sums = self.matrices(frames).sum(axis=1)
        order = np.argsort(sums, axis=1, kind="stable")
        refuse_crossings(self, frames, np.take_along_axis(sums, order, axis=1), "column sums")
        pairs, n_atoms = atom_pairs(frames.n_atoms), frames.n_atoms
        dense = np.zeros((len(frames), n_atoms, n_atoms, n_atoms, 3))
        dense[:, pairs.first, pairs.second] = dense[:, pairs.second, pairs.first] = self.slopes(frames)
        return self._reordered(dense, order).reshape(len(frames), 1, n_atoms**2, n_atoms, 3)

    @staticmethod
    def _reordered(arrays: Floats, order: Ints) -> Floats:
        """Rows and columns (axes 1 and 2) in the order of each frame."""
        frames = np.arange(len(arrays))[:, None, None]
        reordered: Floats = arrays[frames, order[:, :, None], order[:, None, :]]
        return reordered
