"""φ_k(x) = σ(W_k·x + b_k), the K features of one type of site."""

from __future__ import annotations

from dataclasses import dataclass

from rfp_md.frames import Floats
from rfp_md.random_features.activations import ACTIVATIONS


@dataclass(frozen=True, eq=False)
class FeatureMap:
    """Weights W (K, D) and biases b (K,) under one activation."""

    weights: Floats
    biases: Floats
    activation: str

    def __call__(self, sites: Floats) -> tuple[Floats, Floats]:
        """Values φ (…, K) and slopes σ′ (…, K) at sites (…, D); dφ_k/dx = σ′_k W_k."""
        arguments = sites @ self.weights.T
        arguments += self.biases
        return ACTIVATIONS[self.activation].evaluate(arguments)
