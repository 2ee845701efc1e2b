"""The Coulomb matrix of a molecule."""

from __future__ import annotations

from functools import lru_cache
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field, ValidationInfo, field_validator

from rfp_md.arrays import Floats, Ints
from rfp_md.descriptors.base import Capabilities, Descriptor
from rfp_md.descriptors.pairs import AtomPairs, molecule_with_pairs
from rfp_md.errors import UserError
from rfp_md.frames import Dataset, Frames
from rfp_md.plugins.arrays import Array, Surroundings

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

    diagonal: Diagonal = Field("thesis", description="C_ii: thesis, Z^0.48, or rupp, Z^2.4 / 2")

    def arrays(self, model: Surroundings) -> dict[str, Array]:
        """It keeps nothing."""
        return {}

    def fit(self, dataset: Dataset) -> None:
        """Learn nothing. Raises UserError for more than one composition, or fewer than two atoms."""
        molecule_with_pairs(dataset, self.name)

    def site_types(self, numbers: Ints) -> Ints:
        """The molecule is one site (1,)."""
        return np.zeros(1, dtype=np.int64)

    def matrices(self, frames: Frames) -> Floats:
        """The Coulomb matrices C (M, N, N)."""
        pairs = atom_pairs(frames.n_atoms)
        distances, _ = pairs.separations(frames)
        z = frames.numbers.astype(np.float64)
        matrices = np.zeros((len(frames), frames.n_atoms, frames.n_atoms))
        matrices[:, pairs.first, pairs.second] = z[pairs.first] * z[pairs.second] / distances
        matrices += matrices.transpose(0, 2, 1)
        atoms = np.arange(frames.n_atoms)
        matrices[:, atoms, atoms] = z**0.48 if self.diagonal == "thesis" else 0.5 * z**2.4
        return matrices

    def entry_derivatives(self, frames: Frames) -> Floats:
        """dC_ij/dr of the pairs i < j, (M, P, N, 3)."""
        pairs = atom_pairs(frames.n_atoms)
        distances, apart = pairs.separations(frames)
        z = frames.numbers.astype(np.float64)
        return pairs.chain(-z[pairs.first] * z[pairs.second] / distances**2, distances, apart)

    def matrix_derivatives(self, frames: Frames) -> Floats:
        """dC/dr (M, N, N, N, 3)."""
        pairs, n_atoms = atom_pairs(frames.n_atoms), frames.n_atoms
        dense = np.zeros((len(frames), n_atoms, n_atoms, n_atoms, 3))
        dense[:, pairs.first, pairs.second] = dense[:, pairs.second, pairs.first] = self.entry_derivatives(frames)
        return dense

    def pull(self, frames: Frames, gradient: Floats) -> Floats:
        """dE/dr (M, …, N, 3) of energies with dE/dC = ``gradient`` (M, …, N, N)."""
        pairs = atom_pairs(frames.n_atoms)
        distances, apart = pairs.separations(frames)
        z = frames.numbers.astype(np.float64)
        push = (-z[pairs.first] * z[pairs.second] / distances**3)[..., None] * apart
        of_both = gradient[..., pairs.first, pairs.second] + gradient[..., pairs.second, pairs.first]
        pulled: Floats = pairs.incidence.T @ np.einsum("m...p,mpx->m...px", of_both, push)
        return pulled


class CoulombMatrix(CoulombBase):
    """C_ij = Z_i Z_j / |r_i − r_j|, C_ii = (Z_i Z_i)^0.24 (thesis, eq. 2.26) or Z_i^2.4 / 2 (Rupp et al. 2012).

    One site: the whole matrix, row after row. With the thesis's exponent the matrix is indefinite, so
    that its Theorem 2 does not apply to it. With ``extensive``, one site for each atom, its row.
    """

    name: ClassVar[str] = "coulomb_matrix"
    compatible_since: ClassVar[str | None] = "0.1.0"

    triangle: bool = Field(False, description="the diagonal and the pairs i < j only, instead of the whole matrix")
    extensive: bool = Field(
        False, description="one site for each atom, its row, typed by the atom's index (thesis, Algorithm 4)"
    )

    @field_validator("extensive")
    @classmethod
    def _whole_rows(cls, value: bool, info: ValidationInfo) -> bool:
        if value and info.data.get("triangle"):
            raise ValueError("rows need the whole matrix; leave out triangle=true")
        return value

    @property
    def capabilities(self) -> Capabilities:
        """It is invariant under rigid motions, but not under relabelling: its rows follow the order of the atoms."""
        return Capabilities(
            differentiable=True,
            translation_invariant=True,
            rotation_invariant=True,
            per_atom=self.extensive,
            fixed_composition=True,
        )

    def site_types(self, numbers: Ints) -> Ints:
        """The molecule is one site of type 0; with ``extensive`` its N rows are, of types 0 to N − 1."""
        return np.arange(len(numbers) if self.extensive else 1)

    def values(self, frames: Frames) -> Floats:
        """C row after row (M, 1, N²), its upper triangle (M, 1, N(N+1)/2), or a row for each site (M, N, N)."""
        matrices = self.matrices(frames)
        if self.triangle:
            return matrices[:, None, *np.triu_indices(frames.n_atoms)]
        return matrices.reshape(len(frames), len(self.site_types(frames.numbers)), -1)

    def jacobian(self, frames: Frames) -> Floats:
        """dC/dr, shaped as the values are (M, S, D, N, 3)."""
        derivatives = self.matrix_derivatives(frames)
        if self.triangle:
            return derivatives[:, None, *np.triu_indices(frames.n_atoms)]
        return derivatives.reshape(len(frames), len(self.site_types(frames.numbers)), -1, frames.n_atoms, 3)

    def pullback(self, frames: Frames, gradient: Floats) -> Floats:
        """dE/dr (M, N, 3), from dE/dC as a matrix."""
        if not self.triangle:
            return self.pull(frames, gradient.reshape(len(frames), frames.n_atoms, -1))
        matrices = np.zeros((len(frames), frames.n_atoms, frames.n_atoms))
        matrices[:, *np.triu_indices(frames.n_atoms)] = gradient[:, 0]
        return self.pull(frames, matrices)


@lru_cache(maxsize=16)
def atom_pairs(n_atoms: int) -> AtomPairs:
    """The pairs of N atoms, made once for each N."""
    return AtomPairs(n_atoms)


def refuse_crossings(descriptor: Descriptor, frames: Frames, ordered: Floats, what: str) -> None:
    """Raise UserError where two numbers of a sorted row (M, …, N) are equal to rounding: no derivative exists there."""
    gaps = np.diff(ordered)
    close = np.abs(gaps) < CROSSING * np.abs(ordered).max(axis=-1, keepdims=True)
    if close.any():
        frame, *_, k = np.argwhere(close)[0]
        raise UserError(
            f"{frames.source}: {what} {k} and {k + 1} of {frames.name(frame)} cross, where descriptor "
            f"'{descriptor.name}' has no derivative; remove that frame, or use coulomb_matrix or inverse_distances"
        )


CROSSING = 1e-10  # relative to the largest; nearer than this the order is decided by rounding
