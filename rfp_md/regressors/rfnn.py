"""Random feature neural network: a hidden layer sampled from pairs of training points."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from rfp_md.arrays import Floats
from rfp_md.errors import UserError
from rfp_md.random_features.activations import ACTIVATIONS
from rfp_md.random_features.pairs import Heuristic, WeightLaw, sample_pairs, weights_from_pairs
from rfp_md.regressors.features import FeatureRegressor
from rfp_md.regressors.fitting.typed_sites import TypedSites


class RandomFeatureNetwork(FeatureRegressor):
    """φ_k(x) = σ(W_k·x + b_k) with W_k, b_k from a pair of training points: thesis Algorithm 3 and eq. 2.47.

    The sampling is that of Bolager et al., NeurIPS 2023, with the thesis's constants (``weights=thesis``)
    or with their own (``weights=swim``).
    """

    name: ClassVar[str] = "rfnn"
    compatible_since: ClassVar[str | None] = "0.1.0"

    activation: Literal["tanh", "gelu", "relu", "sin", "cos"] = Field("tanh", description="relu: energies only")
    weights: WeightLaw = Field("swim", description="weight law: thesis (eq. 2.47) or swim (Bolager et al.)")
    sampling: Heuristic = Field("uniform", description="pair heuristic: uniform or finite_difference (eq. 2.48)")
    weight_scale: float = Field(0.2, gt=0, description="factor on the weights; below 1 the features are smoother")
    pair_multiplicity: int = Field(2, ge=1, le=1000, description="candidate pairs for each pair that is kept")

    @property
    def activation_name(self) -> str:
        """The activation that the user chose."""
        return self.activation

    def draw(self, sites: TypedSites, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Draw pairs of sites by the heuristic, and make W (K, D) and b (K,) of them by the weight law."""
        first, second = sample_pairs(
            sites.points, sites.outputs, sites.places, sites.width, self.sampling, self.pair_multiplicity, rng
        )
        if len(first) == 0:
            raise UserError("regressor 'rfnn' found no two training frames that differ; give it other frames")
        start, end = sites.points[first], sites.points[second]
        return weights_from_pairs(start, end, self.weights, ACTIVATIONS[self.activation], self.weight_scale)
