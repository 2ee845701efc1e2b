"""Kernel ridge regression with the training sites as centres."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from rfp_md.arrays import Floats
from rfp_md.plugins.parameter_types import Positive
from rfp_md.random_features.feature_map import Features, RadialMap
from rfp_md.random_features.radial import RadialKernel
from rfp_md.regressors.features import FeatureRegressor
from rfp_md.regressors.fitting.typed_sites import TypedSites
from rfp_md.regressors.random_fourier import median_distance


class KernelRidge(FeatureRegressor):
    """f(x) = Σ_k a_k κ(x, x_k) with centres x_k among the training sites (thesis, eqs. 2.29 to 2.32).

    ``width`` centres are taken, at most one from each structure as long as there are enough structures; the
    default is one from every structure. Energies and forces are fitted together, as with random features:
    the same solve with other functions, O(M K² + K³).
    """

    name: ClassVar[str] = "kernel_ridge"
    compatible_since: ClassVar[str | None] = "0.1.0"

    kernel: RadialKernel = Field("gaussian", description="gaussian or matern52")
    length_scale: Positive = Field(6.0, description="ℓ in median site distances")

    @property
    def activation_name(self) -> str:
        """The kernel's name; its features are made here and not looked up in ACTIVATIONS."""
        return self.kernel

    @property
    def smooth(self) -> bool:
        """Both kernels have continuous derivatives."""
        return True

    def features(self, weights: Floats, biases: Floats) -> Features:
        """φ_k(x) = κ(|x − x_k| / ℓ) with the centres as weights (K, D) and 1/ℓ as biases (K,)."""
        return RadialMap(weights, biases, self.kernel)

    def default_width(self, n_samples: int, n_rows: int) -> int:
        """A centre from every structure, up to 6000."""
        return min(n_samples, 6000)

    def draw(self, sites: TypedSites, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Take centres (K, D) among the sites, one from each structure as long as there are enough, and 1/ℓ (K,)."""
        # Sites that a symmetry makes out of one structure give one and the same feature: first one site from each
        # structure, in random order, then a second one.
        order = rng.permutation(len(sites.points))
        structures = sites.structures[order]
        rounds = np.zeros(len(order), dtype=np.int64)
        by_structure = np.argsort(structures, kind="stable")
        _, starts, counts = np.unique(structures[by_structure], return_index=True, return_counts=True)
        rounds[by_structure] = np.arange(len(order)) - np.repeat(starts, counts)
        chosen = order[np.argsort(rounds, kind="stable")[: sites.width]]
        length = self.length_scale * median_distance(sites.points, rng)
        return sites.points[chosen], np.full(len(chosen), 1.0 / length)
