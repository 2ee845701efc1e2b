"""Sites without atoms: a known function of random coordinates, for trying regressors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from rfp_md.arrays import Floats
from rfp_md.regressors.base import Batch, Samples
from rfp_md.sites import Sites

N_COORDINATES = 4
N_COMPONENTS = 3
TYPES = (np.array([0, 1, 1]), np.array([0]))  # two terms: three sites of two types, and one site
MAPS = np.random.default_rng(7).normal(size=(4, N_COMPONENTS, N_COORDINATES))  # site = map · coordinates


@dataclass(frozen=True, eq=False)
class SyntheticSamples(Samples):
    """E = sin x₀₀ + x₁₁² + x₂₁² + cos Σ_d x₃d with sites x_s = A_s r, for coordinates r (M, 4).

    Sites 0 to 2 are the first term, of types 0, 1 and 1; site 3 is the second.
    """

    coordinates: Floats

    def __len__(self) -> int:
        return len(self.coordinates)

    @property
    def n_coordinates(self) -> int:
        """Four coordinates r, each with a slope."""
        return N_COORDINATES

    def some(self, most: int, rng: np.random.Generator) -> Samples:
        """The first ``most`` structures; they are random already."""
        return SyntheticSamples(self.coordinates[:most])

    def batches(self, size: int, *, derivatives: bool) -> Iterator[Batch]:
        """Sites x = A r with exact energies and slopes dE/dr (M, 4)."""
        for start in range(0, len(self), size):
            r = self.coordinates[start : start + size]
            x = np.einsum("sdc,mc->msd", MAPS, r)
            jacobian = np.broadcast_to(MAPS, (len(r), *MAPS.shape))
            energies = np.sin(x[:, 0, 0]) + (x[:, 1:3, 1] ** 2).sum(1) + np.cos(x[:, 3].sum(1))
            gradient = np.zeros_like(x)
            gradient[:, 0, 0] = np.cos(x[:, 0, 0])
            gradient[:, 1:3, 1] = 2 * x[:, 1:3, 1]
            gradient[:, 3] = -np.sin(x[:, 3].sum(1))[:, None]
            terms = [
                Sites(x[:, part], types, jacobian[:, part] if derivatives else None)
                for part, types in zip((slice(0, 3), slice(3, 4)), TYPES, strict=True)
            ]
            slopes = np.einsum("msd,msdc->mc", gradient, jacobian) if derivatives else None
            yield Batch(terms, energies, slopes)


def synthetic(n: int, seed: int) -> SyntheticSamples:
    """Samples of n random structures."""
    return SyntheticSamples(0.3 * np.random.default_rng(seed).normal(size=(n, N_COORDINATES)))


def whole(samples: Samples, *, derivatives: bool = False) -> Batch:
    """All structures in one batch."""
    return next(samples.batches(len(samples), derivatives=derivatives))
