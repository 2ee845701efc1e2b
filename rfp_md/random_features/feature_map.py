"""K features of one type of site: functions of W_k·x, or of the distance from a centre."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from rfp_md.arrays import Floats, Ints
from rfp_md.random_features.activations import ACTIVATIONS
from rfp_md.random_features.cosines import Cosines
from rfp_md.random_features.radial import RADIAL, RadialKernel, squared_distances

CACHE_NUMBERS = 50_000  # features × sites that are evaluated at once, so that they stay in the processor's cache


@dataclass(frozen=True, eq=False)
class FeatureMap:
    """Features φ_k(x) = σ(W_k·x + b_k) with weights W (K, D) and biases b (K,); ∂φ_k/∂x = σ′_k W_k."""

    weights: Floats
    biases: Floats
    activation: str

    @property
    def function(self) -> str:
        """What it is a function of, and which: features of one name, W and b are the same."""
        return f"plane {self.activation}"

    def __call__(self, sites: Floats) -> tuple[Floats, Floats]:
        """Values φ (…, K) and derivatives σ′ (…, K) at sites (…, D)."""
        arguments = sites @ self.weights.T
        arguments += self.biases
        return ACTIVATIONS[self.activation].evaluate(arguments)

    def some(self, part: slice | Ints) -> FeatureMap:
        """The features of some indices, as a map of their own."""
        return FeatureMap(self.weights[part], self.biases[part], self.activation)

    def directions(self, sites: Floats, which: Ints, derivatives: Floats) -> Floats:
        """W_k·∂x/∂c (P, C, K) for ∂x/∂c (P, C, D) at sites (M, D); times σ′ it is ∂φ_k/∂c.

        Args:
            which: the site of each of the derivatives (P,).
        """
        flat = derivatives.reshape(-1, derivatives.shape[2])  # one tall matrix: a stack would be multiplied one by one
        seen = self.weights.any(axis=0)
        product: Floats = flat @ self.weights.T if seen.all() else flat.T[seen].T @ self.weights[:, seen].T
        return product.reshape(*derivatives.shape[:2], -1)

    def gradient(self, sites: Floats, weighted_derivatives: Floats) -> Floats:
        """Σ_k ∂φ_k/∂x c_k (…, D) for c_k σ′_k (…, K)."""
        return weighted_derivatives @ self.weights

    def contract(self, sites: Floats, coefficients: Floats) -> tuple[Floats, Floats]:
        """Σ_k c_kp φ_k(x_s) (S, P) and Σ_k c_kp ∂φ_k/∂x_s (P, S, D) at sites x (S, D) for c (K, P)."""
        if self.activation == "cos":
            return self._cosines.contract(sites, coefficients)
        return _contract(self, sites, coefficients)

    def pieces(self, most: int) -> list[slice]:
        """Divide the features into pieces of at most so many, that see the same components."""
        ends = [0, *self._bundle_ends]
        return [slice(k, min(k + most, stop)) for start, stop in pairwise(ends) for k in range(start, stop, most)]

    @cached_property
    def _bundle_ends(self) -> list[int]:
        """Where runs of features end that see the same components."""
        seen = self.weights != 0.0
        return [*(1 + np.flatnonzero((seen[1:] != seen[:-1]).any(axis=1))).tolist(), len(seen)]

    @cached_property
    def _cosines(self) -> Cosines:
        return Cosines.of(self.weights, self.biases)


@dataclass(frozen=True, eq=False)
class RadialMap:
    """Features φ_k(x) = κ(|x − W_k| b_k) with centres W (K, D), inverse lengths b (K,); ∂φ_k/∂x = σ′_k (W_k − x)."""

    weights: Floats
    biases: Floats
    kernel: RadialKernel

    @property
    def function(self) -> str:
        """What it is a function of, and which: features of one name, W and b are the same."""
        return f"radial {self.kernel}"

    def __call__(self, sites: Floats) -> tuple[Floats, Floats]:
        """Values φ (…, K) and derivatives σ′ = −κ′(r)/r b² (…, K) at sites (…, D)."""
        value, derivative, _ = RADIAL[self.kernel](squared_distances(sites, self.weights) * self.biases**2)
        return value, derivative * self.biases**2

    def some(self, part: slice | Ints) -> RadialMap:
        """The features of some indices, as a map of their own."""
        return RadialMap(self.weights[part], self.biases[part], self.kernel)

    def directions(self, sites: Floats, which: Ints, derivatives: Floats) -> Floats:
        """(W_k − x)·∂x/∂c (P, C, K) for ∂x/∂c (P, C, D) at sites x (M, D); times σ′ it is ∂φ_k/∂c.

        Args:
            which: the site of each of the derivatives (P,).
        """
        flat = derivatives.reshape(-1, derivatives.shape[2])
        product: Floats = (flat @ self.weights.T).reshape(*derivatives.shape[:2], -1)
        product -= derivatives @ sites[which, :, None]
        return product

    def pieces(self, most: int) -> list[slice]:
        """Divide the features into pieces of at most so many."""
        n = len(self.biases)
        return [slice(k, min(k + most, n)) for k in range(0, n, most)]

    def gradient(self, sites: Floats, weighted_derivatives: Floats) -> Floats:
        """Σ_k ∂φ_k/∂x c_k (…, D) for c_k σ′_k (…, K)."""
        gradient: Floats = weighted_derivatives @ self.weights
        gradient -= weighted_derivatives.sum(axis=-1)[..., None] * sites
        return gradient

    def contract(self, sites: Floats, coefficients: Floats) -> tuple[Floats, Floats]:
        """Σ_k c_kp φ_k(x_s) (S, P) and Σ_k c_kp ∂φ_k/∂x_s (P, S, D) at sites x (S, D) for c (K, P)."""
        return _contract(self, sites, coefficients)


Features = FeatureMap | RadialMap


def _contract(features: Features, sites: Floats, coefficients: Floats) -> tuple[Floats, Floats]:
    """The sums and gradients of ``contract``, a part of the features at a time."""
    n_outputs = coefficients.shape[1]
    values = np.zeros((len(sites), n_outputs))
    # One tall matrix for all outputs: for few sites, products of small ones would cost twice as much.
    repeated = sites if n_outputs == 1 else np.tile(sites, (n_outputs, 1))
    gradients = np.zeros_like(repeated)
    size = max(1, CACHE_NUMBERS // max(1, len(sites)))
    for start in range(0, len(coefficients), size):
        part = slice(start, start + size)
        some = features.some(part)
        value, derivative = some(sites)
        values += value @ coefficients[part]
        weighted = np.ascontiguousarray(coefficients[part].T)[:, None] * derivative
        gradients += some.gradient(repeated, weighted.reshape(len(repeated), value.shape[1]))
    return values, gradients.reshape(n_outputs, *sites.shape)
