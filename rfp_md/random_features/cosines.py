"""Sums of cosine features and their gradients in one compiled pass: what a force call mostly consists of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rfp_md.arrays import Floats, Ints
from rfp_md.compiled import compiled
from rfp_md.random_features.sincos import sincos_into

TILE_BYTES = 200_000  # of weights that are worked on at once: they are read twice and should stay in the cache
TILE_NUMBERS = 30_000  # features × sites of a tile, likewise
TILE_SITES = 256  # of many, so that their gradients stay there too


@dataclass(frozen=True, eq=False)
class Cosines:
    """Features φ_k(x) = cos(W_k·x + b_k), ordered by the components that they see: the others cost nothing.

    Attributes:
        order: where each feature stood (K,).
        weights: the components that are seen, (K, d); d is the most that any feature sees.
        components: what each group of features sees (G, d); one that sees fewer has zero weights.
        starts: where each group begins, and K (G + 1,).
    """

    order: Ints
    weights: Floats
    biases: Floats
    components: Ints
    starts: Ints

    @classmethod
    def of(cls, weights: Floats, biases: Floats) -> Cosines:
        """Find the groups of features W (K, D) that see the same components."""
        seen, group = np.unique(weights != 0.0, axis=0, return_inverse=True)
        order = np.argsort(group.ravel(), kind="stable")
        most = int(seen.sum(axis=1).max())
        components = np.argsort(~seen, axis=1, kind="stable")[:, :most]
        starts = np.searchsorted(group.ravel()[order], np.arange(len(seen) + 1))
        packed = np.take_along_axis(weights[order], components[group.ravel()[order]], axis=1)
        return cls(order, packed, biases[order], components, starts)

    def contract(self, sites: Floats, coefficients: Floats) -> tuple[Floats, Floats]:
        """Σ_k c_kp φ_k(x_s) (S, P) and Σ_k c_kp ∂φ_k/∂x_s (P, S, D) at sites x (S, D) for c (K, P)."""
        values = np.empty((coefficients.shape[1], len(sites)))
        gradients = np.empty((coefficients.shape[1], *sites.shape))
        ordered = coefficients[self.order]
        for start in range(0, len(sites), TILE_SITES):
            part = slice(start, start + TILE_SITES)
            values[:, part], gradients[:, part] = self._contract_some(sites[part], ordered)
        return values.T, gradients

    def _contract_some(self, sites: Floats, coefficients: Floats) -> tuple[Floats, Floats]:
        """The sums (P, S) and gradients (P, S, D) at few sites, for coefficients in the order of the groups."""
        n_sites, n_outputs = len(sites), coefficients.shape[1]
        values = np.zeros((n_outputs, n_sites))
        gradients = np.zeros((n_outputs, *sites.shape[::-1]))
        tile = max(8, min(TILE_BYTES // (8 * self.weights.shape[1]), TILE_NUMBERS // max(1, n_sites)))
        points = np.ascontiguousarray(sites.T)
        _contract(
            self.weights, self.biases, self.components, self.starts, coefficients, points, tile, values, gradients
        )
        return values, gradients.transpose(0, 2, 1)


@compiled(error_model="numpy", fastmath={"contract", "reassoc"})
def _contract(
    weights: Floats,
    biases: Floats,
    components: Ints,
    starts: Ints,
    coefficients: Floats,
    points: Floats,
    tile: int,
    values: Floats,
    gradients: Floats,
) -> None:
    """``Cosines.contract`` with the sites as columns, points (D, S), values (P, S) and gradients (P, D, S)."""
    n_outputs, n_sites = values.shape
    everything = len(components) == 1 and components.shape[1] == len(points)
    sine, cosine, weighted = np.empty(tile * n_sites), np.empty(tile * n_sites), np.empty((tile, n_sites))
    for g in range(len(components)):
        seen = points if everything else points[components[g]]
        for start in range(starts[g], starts[g + 1], tile):
            stop = min(start + tile, starts[g + 1])
            some = weights[start:stop]
            angles = np.dot(some, seen)
            for k in range(stop - start):
                angles[k] += biases[start + k]
            sincos_into(angles.reshape(-1), sine, cosine)
            for p in range(n_outputs):
                for k in range(stop - start):
                    c, at = coefficients[start + k, p], k * n_sites
                    for s in range(n_sites):
                        values[p, s] += c * cosine[at + s]
                        weighted[k, s] = -c * sine[at + s]
                pulled = np.dot(some.T, weighted[: stop - start])
                for d in range(components.shape[1]):
                    gradients[p, components[g, d]] += pulled[d]
