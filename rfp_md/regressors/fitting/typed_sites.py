"""The sites that features are drawn from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rfp_md.arrays import Floats, Ints
from rfp_md.regressors.base import Batch


@dataclass(frozen=True, eq=False)
class TypedSites:
    """Sites of one type in one term, from many structures, to draw features from.

    Attributes:
        width: how many features to draw.
        points: x (n, D).
        outputs: energy of the structure that each site belongs to (n,), or its outputs (n, P) in a direct fit.
        places: which site of its structure each is (n,).
        structures: which structure each belongs to (n,).
        groups: sets of components that a feature may be drawn on, (G, D).
    """

    term: int
    site_type: int
    width: int
    points: Floats
    outputs: Floats
    places: Ints
    structures: Ints
    groups: NDArray[np.bool_]


def sites_by_type(
    sample: list[Batch], term: int, width: int, groups: NDArray[np.bool_] | None = None
) -> list[TypedSites]:
    """The sites of one term, those of each type apart, in the order of the types.

    The width is shared among the types by the square roots of their numbers of sites: by the numbers themselves, rare
    elements would get too few features and each feature would be evaluated at more sites (docs/accuracy.md).
    """
    if groups is None:
        groups = np.ones((1, sample[0].terms[term].values.shape[2]), dtype=bool)
    all_types = np.concatenate([np.tile(batch.terms[term].types, len(batch.energies)) for batch in sample])
    site_types, counts = np.unique(all_types, return_counts=True)
    shares = np.sqrt(counts) / np.sqrt(counts).sum()
    typed = []
    for site_type, part_of_width in zip(site_types, shares, strict=True):
        parts, seen = [], 0
        for batch in sample:
            sites = batch.terms[term]
            places = np.flatnonzero(sites.types == site_type)
            points = sites.values[:, places].reshape(-1, sites.values.shape[2])
            outputs = batch.energies if batch.outputs is None else batch.outputs
            numbers = np.repeat(np.arange(seen, seen + len(outputs)), len(places))
            parts.append((points, np.repeat(outputs, len(places), axis=0), np.tile(places, len(outputs)), numbers))
            seen += len(outputs)
        share = max(1, round(width * part_of_width))
        points, outs, at, numbers = (np.concatenate(part) for part in zip(*parts, strict=True))
        typed.append(TypedSites(term, int(site_type), share, points, outs, at, numbers, groups))
    return typed
