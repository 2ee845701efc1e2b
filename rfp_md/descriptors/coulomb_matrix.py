"""The Coulomb matrix of a molecule."""

from __future__ import annotations

from functools import lru_cache
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from rfp_md.descriptors.base import Capabilities, Descriptor
from rfp_md.descriptors.pairs import AtomPairs
from rfp_md.errors import UserError
from rfp_md.frames import Dataset, Floats, Frames, Ints

Diagonal = Literal["thesis", "rupp"]
# What the forms with something sorted in them keep, and what they pay for it.
SORTED = Capabilities(
    differentiable=True,
    translation_invariant=True,
    rotation_invariant=True,
    permutation_invariant=True,
    fixed_composition=True,
    piecewise=True,
)


class CoulombBase(Descriptor):
    """C_ij = Z_i Z_j / |r_i − r_j|, C_ii = (Z_i Z_i)^0.24 (thesis, eq. 2.26) or Z_i^2.4 / 2 (Rupp et al. 2012)."""

    capabilities: ClassVar[Capabilities] = Capabilities(
        differentiable=True, translation_invariant=True, rotation_invariant=True, fixed_composition=True
    )

    diagonal: Diagonal = Field("thesis", description="C_ii: thesis, Z^0.48, or rupp, Z^2.4 / 2")

    def fit(self, dataset: Dataset) -> None:
        block = dataset.one_composition(f"descriptor '{self.name}'")
        if block.n_atoms < 2:
            raise UserError(f"{block.source}: descriptor '{self.name}' needs at least two atoms")

    def site_types(self, numbers: Ints) -> Ints:
        return np.zeros(1, dtype=np.int64)

    def matrices(self, frames: Frames) -> Floats:
        """C (M, N, N)."""
        pairs = atom_pairs(frames.n_atoms)
        distances, _ = pairs.separations(frames)
        z = frames.numbers.astype(np.float64)
        matrices = np.zeros((len(frames), frames.n_atoms, frames.n_atoms))
        matrices[:, pairs.first, pairs.second] = z[pairs.first] * z[pairs.second] / distances
        matrices += matrices.transpose(0, 2, 1)
        atoms = np.arange(frames.n_atoms)
        matrices[:, atoms, atoms] = z**0.48 if self.diagonal == "thesis" else 0.5 * z**2.4
        return matrices

    def slopes(self, frames: Frames) -> Floats:
        """dC_ij/dr of the pairs i < j, (M, P, N, 3)."""
        pairs = atom_pairs(frames.n_atoms)
        distances, apart = pairs.separations(frames)
        z = frames.numbers.astype(np.float64)
        return pairs.chain(-z[pairs.first] * z[pairs.second] / distances**2, distances, apart)


class CoulombMatrix(CoulombBase):
    """C_ij = Z_i Z_j / |r_i − r_j|, C_ii = (Z_i Z_i)^0.24 (thesis, eq. 2.26) or Z_i^2.4 / 2 (Rupp et al. 2012).

    One site: the whole matrix, row after row. With the thesis's exponent the matrix is indefinite, so
    that its Theorem 2 does not apply to it.
    """

    name: ClassVar[str] = "coulomb_matrix"
    compatible_since: ClassVar[str | None] = "0.1.0"

    triangle: bool = Field(False, description="the diagonal and the pairs i < j only, instead of the whole matrix")

    def values(self, frames: Frames) -> Floats:
        rows, columns = self._entries(frames.n_atoms)
        return self.matrices(frames)[:, None, rows, columns]

    def jacobian(self, frames: Frames) -> Floats:
        rows, columns = self._entries(frames.n_atoms)
        pairs, n_atoms = atom_pairs(frames.n_atoms), frames.n_atoms
        dense = np.zeros((len(frames), n_atoms, n_atoms, n_atoms, 3))
        dense[:, pairs.first, pairs.second] = dense[:, pairs.second, pairs.first] = self.slopes(frames)
        return dense[:, None, rows, columns]

    def _entries(self, n_atoms: int) -> tuple[Ints, Ints]:
        """Rows and columns of the entries that are used."""
        if self.triangle:
            rows, columns = np.triu_indices(n_atoms)
        else:
            rows, columns = (part.ravel() for part in np.indices((n_atoms, n_atoms)))
        return rows, columns


@lru_cache(maxsize=16)
def atom_pairs(n_atoms: int) -> AtomPairs:
    return AtomPairs(n_atoms)


def refuse_crossings(descriptor: Descriptor, frames: Frames, ordered: Floats, what: str) -> None:
    """Raise UserError where two numbers of a sorted row (M, N) are equal to rounding: no derivative exists there."""
    gaps = np.diff(ordered, axis=1)
    close = np.abs(gaps) < CROSSING * np.abs(ordered).max(axis=1, keepdims=True)
    if close.any():
        frame, k = np.argwhere(close)[0]
        raise UserError(
            f"{frames.source}: {what} {k} and {k + 1} of frame {frame} cross, where descriptor '{descriptor.name}' has "
            "no derivative; remove that frame, or use coulomb_matrix or inverse_distances"
        )


CROSSING = 1e-10  # relative to the largest; nearer than this the order is decided by rounding
