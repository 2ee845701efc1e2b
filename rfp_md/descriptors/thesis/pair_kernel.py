"""A kernel of the positions of every pair of atoms."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import Field, ValidationInfo, field_validator, model_validator

from rfp_md.arrays import Floats, Ints
from rfp_md.descriptors.base import Capabilities, Descriptor
from rfp_md.descriptors.pairs import molecule_with_pairs
from rfp_md.descriptors.thesis.coulomb_matrix import atom_pairs
from rfp_md.frames import Dataset, Frames
from rfp_md.plugins.arrays import Array, Surroundings
from rfp_md.plugins.parameter_types import Finite, Positive, check_unused

UNUSED = {
    "linear": ("alpha", "beta", "gamma", "sigma"),
    "polynomial": ("alpha", "sigma"),
    "squared_exponential": ("beta", "gamma"),
    "gamma_exponential": ("beta",),
}


class PairKernel(Descriptor):
    """K_ij = κ(r_i, r_j) for every pair of atoms (thesis, eq. 3.7) with a kernel of its Table 3.1.

        linear               r_i · r_j                    i ≤ j
        polynomial           β d^γ, d = |r_i − r_j|       i < j
        squared_exponential  α exp(−d² / σ²)              i < j
        gamma_exponential    α exp(−(d / σ)^γ)            i < j

    The thesis takes all n² entries; here each pair is taken once, and a diagonal only where it is not
    constant, which is that of the linear kernel. That kernel turns with the molecule but does not move
    with it: it is not invariant under translation. The polynomial one with γ = −1 is the Coulomb matrix
    without its charges.
    """

    name: ClassVar[str] = "pair_kernel"
    compatible_since: ClassVar[str | None] = "0.1.0"

    kernel: Literal["linear", "polynomial", "squared_exponential", "gamma_exponential"] = Field(
        "squared_exponential", description="κ"
    )
    alpha: Positive = Field(1.0, description="α, the factor of an exponential kernel")
    beta: Finite = Field(1.0, description="β, the factor of the polynomial kernel")
    gamma: Finite = Field(1.0, description="γ, the power of the polynomial and of the gamma_exponential kernel")
    sigma: Positive = Field(2.0, description="σ, the length of an exponential kernel, Å")

    def arrays(self, model: Surroundings) -> dict[str, Array]:
        """It keeps nothing."""
        return {}

    @field_validator("gamma")
    @classmethod
    def _decays(cls, value: float, info: ValidationInfo) -> float:
        if value <= 0 and info.data.get("kernel") == "gamma_exponential":
            raise ValueError("the gamma_exponential kernel needs a positive power")
        return value

    @field_validator("beta", "gamma")
    @classmethod
    def _varies(cls, value: float, info: ValidationInfo) -> float:
        if value == 0 and info.data.get("kernel") == "polynomial":
            raise ValueError("the polynomial kernel is then a constant, which says nothing about a structure")
        return value

    @model_validator(mode="after")
    def _only_used(self) -> Self:
        check_unused(self, UNUSED[self.kernel], f"with kernel={self.kernel}")
        return self

    @property
    def capabilities(self) -> Capabilities:
        """It is invariant under rotations, and under translations too unless the kernel is linear."""
        return Capabilities(
            differentiable=True,
            translation_invariant=self.kernel != "linear",
            rotation_invariant=True,
            fixed_composition=True,
        )

    def fit(self, dataset: Dataset) -> None:
        """Learn nothing. Raises UserError for more than one composition, or fewer than two atoms."""
        molecule_with_pairs(dataset, self.name)

    def site_types(self, numbers: Ints) -> Ints:
        """The molecule is one site (1,)."""
        return np.zeros(1, dtype=np.int64)

    def values(self, frames: Frames) -> Floats:
        """κ(r_i, r_j) of the pairs i < j (M, 1, N(N−1)/2); i ≤ j with the linear kernel."""
        if self.kernel == "linear":
            products = frames.positions @ frames.positions.transpose(0, 2, 1)
            return products[:, None, *np.triu_indices(frames.n_atoms)]
        distances, _ = atom_pairs(frames.n_atoms).separations(frames)
        return self._kernel(distances)[0][:, None]

    def jacobian(self, frames: Frames) -> Floats:
        """dκ/dr (M, 1, D, N, 3); with the linear kernel, d(r_i·r_j)/dr_i = r_j."""
        if self.kernel == "linear":
            first, second = np.triu_indices(frames.n_atoms)
            entries = np.arange(len(first))
            dense = np.zeros((len(frames), 1, len(first), frames.n_atoms, 3))
            dense[:, 0, entries, first] = frames.positions[:, second]
            dense[:, 0, entries, second] += frames.positions[:, first]  # twice r_i on the diagonal
            return dense
        pairs = atom_pairs(frames.n_atoms)
        distances, apart = pairs.separations(frames)
        return pairs.chain(self._kernel(distances)[1], distances, apart)[:, None]

    def pullback(self, frames: Frames, gradient: Floats) -> Floats:
        """dE/dr (M, N, 3); with the linear kernel, (g + gᵀ) r with the gradient as an upper triangle g (N, N)."""
        if self.kernel == "linear":
            matrix = np.zeros((len(frames), frames.n_atoms, frames.n_atoms))
            matrix[:, *np.triu_indices(frames.n_atoms)] = gradient[:, 0]
            return (matrix + matrix.transpose(0, 2, 1)) @ frames.positions
        pairs = atom_pairs(frames.n_atoms)
        distances, apart = pairs.separations(frames)
        by_distance = gradient[:, 0] * self._kernel(distances)[1]
        return pairs.pull(by_distance, distances, apart)

    def _kernel(self, distances: Floats) -> tuple[Floats, Floats]:
        """κ and dκ/dd at these distances."""
        if self.kernel == "polynomial":
            value = self.beta * distances**self.gamma
            return value, self.gamma * value / distances
        power = 2.0 if self.kernel == "squared_exponential" else self.gamma
        ratio = (distances / self.sigma) ** power
        value = self.alpha * np.exp(-ratio)
        return value, -power * ratio / distances * value
