"""The Coulomb matrix with its atoms in the order of its column sums."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from rfp_md.arrays import Floats, Ints
from rfp_md.descriptors.base import Capabilities
from rfp_md.descriptors.thesis.coulomb_matrix import SORTED, CoulombBase, refuse_crossings
from rfp_md.frames import Frames


class SortedCoulombMatrix(CoulombBase):
    """C_p(i)p(j) with the permutation p that makes the column sums Σ_i C_ij ascend (thesis, section 3.2.3).

    Invariant under every relabelling of atoms, but not smooth: where two column sums cross, two rows
    change places and the values jump. A derivative is given away from crossings only, and a structure
    at one is refused. Do not run MD with it. With ``extensive``, its k-th row is the k-th site, of type k.
    """

    name: ClassVar[str] = "sorted_coulomb_matrix"
    compatible_since: ClassVar[str | None] = "0.1.0"
    capabilities: ClassVar[Capabilities] = SORTED

    extensive: bool = Field(False, description="one site for each row, typed by its place (thesis, Algorithm 4)")

    def site_types(self, numbers: Ints) -> Ints:
        """The molecule is one site of type 0; with ``extensive`` its N sorted rows are, of types 0 to N − 1."""
        return np.arange(len(numbers) if self.extensive else 1)

    def values(self, frames: Frames) -> Floats:
        """C_p(i)p(j), row after row (M, 1, N²), or a row for each site (M, N, N)."""
        matrices = self.matrices(frames)
        order = np.argsort(matrices.sum(axis=1), axis=1, kind="stable")
        values: Floats = matrices[_entries(order)]
        return values.reshape(len(frames), len(self.site_types(frames.numbers)), -1)

    def jacobian(self, frames: Frames) -> Floats:
        """dC/dr in the order of the sorted atoms (M, S, D, N, 3). Raises UserError where two column sums cross."""
        derivatives: Floats = self.matrix_derivatives(frames)[_entries(self._order(frames))]
        return derivatives.reshape(len(frames), len(self.site_types(frames.numbers)), -1, frames.n_atoms, 3)

    def pullback(self, frames: Frames, gradient: Floats) -> Floats:
        """dE/dr (M, N, 3), with dE/dC brought back to the atoms' own order. Raises UserError as ``jacobian``."""
        matrices = np.empty((len(frames), frames.n_atoms, frames.n_atoms))
        matrices[_entries(self._order(frames))] = gradient.reshape(matrices.shape)
        return self.pull(frames, matrices)

    def _order(self, frames: Frames) -> Ints:
        """The atoms in the order of their column sums (M, N). Raises UserError at a crossing."""
        sums = self.matrices(frames).sum(axis=1)
        order = np.argsort(sums, axis=1, kind="stable")
        refuse_crossings(self, frames, np.take_along_axis(sums, order, axis=1), "column sums")
        return order


def _entries(order: Ints) -> tuple[Ints, Ints, Ints]:
    """Frame, row and column that stand at each place of the sorted matrices (M, N, N)."""
    return np.arange(len(order))[:, None, None], order[:, :, None], order[:, None, :]
