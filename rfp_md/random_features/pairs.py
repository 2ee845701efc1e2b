"""Weights from pairs of training points: which pairs, and what neuron a pair makes."""

from __future__ import annotations

from typing import Literal

import numpy as np

from rfp_md.arrays import Floats, Ints
from rfp_md.random_features.activations import Activation

Heuristic = Literal["uniform", "finite_difference"]
WeightLaw = Literal["thesis", "swim"]
CHUNK_NUMBERS = 4_000_000


def sample_pairs(
    points: Floats,
    outputs: Floats,
    places: Ints,
    n_pairs: int,
    heuristic: Heuristic,
    multiplicity: int,
    rng: np.random.Generator,
) -> tuple[Ints, Ints]:
    """Pairs (z¹, z²) of different points: lines 1 to 8 of the thesis's Algorithm 3.

    ``multiplicity`` × ``n_pairs`` candidates are drawn uniformly; of them ``n_pairs`` are kept, each at
    most once, with probability proportional to H = 1 (uniform) or to eq. 2.48,
    H(x, y) = |f(x) − f(y)| / |x − y| (finite difference). The points of a pair are the same site in two
    structures: the line between two different sites says how they differ, not how they move.

    Args:
        points: (n, D).
        outputs: f at the points, (n,) or (n, P).
        places: which site of its structure each point is, (n,).

    Returns:
        Indices of the first and of the second points, (n_pairs,) each; fewer only where fewer
        pairs of distinct points were found.
    """
    order = np.argsort(places, kind="stable")
    _, label, count = np.unique(places, return_inverse=True, return_counts=True)
    first = rng.integers(0, len(points), multiplicity * n_pairs)
    place = label[first]
    within = (rng.random(len(first)) * count[place]).astype(np.int64)
    second = order[(np.cumsum(count) - count)[place] + within]
    apart = _distances(points, first, second)
    distinct = apart > 1e-10 * np.linalg.norm(points, axis=1).max()
    first, second, apart = first[distinct], second[distinct], apart[distinct]
    if heuristic == "uniform":
        return first[:n_pairs], second[:n_pairs]
    steepness = np.linalg.norm((outputs[first] - outputs[second]).reshape(len(apart), -1), axis=1) / apart
    if not steepness.any():
        return first[:0], second[:0]
    possible = min(n_pairs, int(np.count_nonzero(steepness)))
    kept = rng.choice(len(apart), possible, replace=False, p=steepness / steepness.sum())
    return first[kept], second[kept]


def _distances(points: Floats, first: Ints, second: Ints) -> Floats:
    """|x − y| of many pairs, a part of them at a time: there may be far more pairs than points."""
    size = max(1, CHUNK_NUMBERS // points.shape[1])
    parts = [slice(start, start + size) for start in range(0, len(first), size)]
    return np.concatenate([np.linalg.norm(points[first[part]] - points[second[part]], axis=1) for part in parts])


def weights_from_pairs(
    start: Floats, end: Floats, law: WeightLaw, activation: Activation, scale: float
) -> tuple[Floats, Floats]:
    """One neuron σ(W·x + b) for each pair of points.

    ``thesis``, eq. 2.47:  W = s α (z¹ − z²) / |z¹ − z²|²,  b = −β − W·z¹.
    ``swim`` (Bolager et al. 2023): W along z² − z¹ such that the pre-activations at z¹ and z² are the two
    ends of the activation's span, drawn together about its middle by the factor s.

    Args:
        start, end: the points z¹ and z², (K, D) each.
        scale: s < 1 makes smoother features than the law itself.

    Returns:
        W (K, D) and b (K,).
    """
    direction = (start - end) / np.square(start - end).sum(axis=1, keepdims=True)
    if law == "thesis":
        weights = scale * activation.alpha * direction
        return weights, -activation.beta - np.einsum("kd,kd->k", weights, start)
    low, high = activation.span
    weights = -scale * (high - low) * direction
    middle = 0.5 * (start + end)
    return weights, 0.5 * (low + high) - np.einsum("kd,kd->k", weights, middle)
