"""One network of the sum, written once for training and prediction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from rfp_md.regressors.fitting.typed_sites import TypedSites
from rfp_torch.activations import ACTIVATIONS

ARRAYS = ("weights", "biases", "readout", "mean", "scale")
FIRST_WEIGHTS = 0.3  # spread of the first W·x̂: small, so that the first network is smooth
FIRST_OUTPUT = 0.1  # of the first outputs, in units of the energies' spread
CONSTANT = 1e-4  # a component whose spread is below this part of the largest one is not blown up


@dataclass(frozen=True, eq=False)
class Network:
    """f(x) = Σ_i a_i σ(W_i·x̂ + b_i) with x̂ = (x − mean) / scale, for sites of one type in one term.

    Attributes:
        weights, biases, readout: W (K, D), b (K,) and a (K,), eV.
        mean, scale: of the training sites (D,).

    All arrays are numpy's, or all are torch's tensors.
    """

    term: int
    site_type: int
    weights: Any
    biases: Any
    readout: Any
    mean: Any
    scale: Any

    def __post_init__(self) -> None:
        width, dimension = self.weights.shape
        shapes = [tuple(getattr(self, name).shape) for name in ARRAYS[1:]]
        if shapes != [(width,), (width,), (dimension,), (dimension,)]:
            raise ValueError(f"the arrays of type {self.site_type} in term {self.term} do not fit each other")

    def __call__(self, x: Any, activation: str, special: Any) -> tuple[Any, Any]:
        """f (…) and df/dx = Σ_i a_i σ′_i W_i / scale (…, D) at sites x (…, D)."""
        arguments = (x - self.mean) / self.scale @ self.weights.T + self.biases
        value, derivative = ACTIVATIONS[activation](arguments, special)
        return value @ self.readout, (derivative * self.readout) @ self.weights / self.scale

    @classmethod
    def draw(cls, sites: TypedSites, unit: float, rng: np.random.Generator) -> Self:
        """A random network for sites of one type; ``unit`` is the spread of the energies."""
        width, dimension = sites.width, sites.points.shape[1]
        spread = sites.points.std(axis=0)
        largest = spread.max() or 1.0
        return cls(
            sites.term,
            sites.site_type,
            weights=FIRST_WEIGHTS / np.sqrt(dimension) * rng.standard_normal((width, dimension)),
            biases=rng.standard_normal(width),
            readout=FIRST_OUTPUT * unit / np.sqrt(width) * rng.standard_normal(width),
            mean=sites.points.mean(axis=0),
            scale=np.where(spread > CONSTANT * largest, spread, largest),
        )

    def each(self, convert: Callable[[Any], Any]) -> Self:
        """The same network with every array converted."""
        return replace(self, **{name: convert(getattr(self, name)) for name in ARRAYS})
