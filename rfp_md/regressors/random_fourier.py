"""Random Fourier features: the random-feature form of a kernel machine."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from rfp_md.arrays import Floats
from rfp_md.plugins.parameter_types import Numbers
from rfp_md.random_features.spectral import Kernel, sample_frequencies
from rfp_md.regressors.features import FeatureRegressor
from rfp_md.regressors.fitting.site_pools import SitePool

BUNDLE = 32  # features that see the same components, so that they are evaluated together
PAIRS = 2_000  # of points, whose median distance is taken


class RandomFourier(FeatureRegressor):
    """φ_k(x) = cos(W_k·x + b_k), W_k = ω_k/ℓ_k with ω_k from a kernel's spectral density, b_k uniform on [0, 2π).

    Rahimi and Recht, NIPS 2007. The length scale ℓ_k is in units of the median distance between two sites
    of the training frames; with two numbers, it is drawn log-uniformly between them for each feature. Where the
    descriptor has groups of components, each feature sees one of them, drawn at random, and the distance is theirs.

    A feature that ``sees`` few components is a function of few variables, as most of an energy is, and costs as little
    in fit and calls; bundles of 32 features see the same ones.
    """

    name: ClassVar[str] = "random_fourier"
    compatible_since: ClassVar[str | None] = "0.1.0"

    kernel: Kernel = Field("gaussian", description="gaussian, matern12, matern32, matern52 or laplace")
    length_scale: Numbers = Field((12.0,), max_length=2, description="ℓ, or its range, in median site distances")

    sees: int | None = Field(None, ge=1, description="components that a feature sees, drawn at random; default: all")

    @field_validator("length_scale")
    @classmethod
    def _ordered(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if value[0] > value[-1]:
            raise ValueError("the smaller of the two numbers comes first")
        return value

    @property
    def activation_name(self) -> str:
        """σ(z) = cos z."""
        return "cos"

    def draw(self, sites: SitePool, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Draw W_k = ω_k/ℓ_k on one group of components each (K, D), and phases b (K,)."""
        points, width = sites.points, sites.width
        low, high = np.log(self.length_scale[0]), np.log(self.length_scale[-1])
        if self.sees is None:
            groups, group = sites.groups, rng.integers(0, len(sites.groups), width)
        else:
            groups, group = _subsets(sites, self.sees, -(-width // BUNDLE), rng), np.arange(width) // BUNDLE
        lengths = median_distances(points, groups, rng)[group] * np.exp(rng.uniform(low, high, width))
        weights = sample_frequencies(self.kernel, (width, points.shape[1]), rng) / lengths[:, None]
        weights *= groups[group]
        # The phase is taken from the middle of the data, so that its size does not eat digits of the cosine.
        return weights, rng.uniform(0.0, 2.0 * np.pi, width) - weights @ points.mean(axis=0)


def _subsets(sites: SitePool, most: int, count: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Draw sets of so many components of one group (count, D): the k-th of those that vary most by 1/√(1 + k)."""
    found = np.zeros((count, sites.points.shape[1]), dtype=bool)
    rank = np.argsort(np.argsort(-sites.points.std(axis=0), kind="stable"), kind="stable")
    for row, group in zip(found, rng.integers(0, len(sites.groups), count), strict=True):
        mine = np.flatnonzero(sites.groups[group])
        odds = 1.0 / np.sqrt(1.0 + rank[mine])
        row[rng.choice(mine, min(most, len(mine)), replace=False, p=odds / odds.sum())] = True
    return found


def median_distances(points: Floats, groups: NDArray[np.bool_], rng: np.random.Generator) -> Floats:
    """The median distance in each group of components (G,) between two points of a set (n, D); 1 if all coincide."""
    first, second = rng.integers(0, len(points), (2, PAIRS))
    squares = np.square(points[first] - points[second])
    medians = np.sqrt([np.median(squares[:, group].sum(axis=1)) for group in groups])
    return np.where(medians > 0, medians, 1.0)


def median_distance(points: Floats, rng: np.random.Generator) -> float:
    """The median distance of all components together between two points of a set (n, D); 1 if all coincide."""
    return float(median_distances(points, np.ones((1, points.shape[1]), dtype=bool), rng)[0])
