"""Where radial functions begin."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rfp_md.arrays import Floats, Ints
from rfp_md.structures.neighbours import Neighbours

INSIDE = 0.9  # of the shortest distance in a usual frame: frames that are hotter or denser come closer
LEAST, MOST = 0.3, 0.5  # Å, and of the cutoff: where r_0 is at most


def innermost(found: Sequence[tuple[Neighbours, Ints, Ints]], n_elements: int, cutoff: float) -> float:
    """r_0, Å: 0.9 times the shortest distance that two elements usually have.

    Usually is the median, over the frames in which the two meet, of the shortest one: a single collision decides
    nothing. All elements share their radial functions, so that combinations of them mean the same.

    Args:
        found: neighbours, species of the centres and species of the neighbours, of frames of one composition each.
    """
    shortest = []
    for near, centres, species in found:
        closest = np.full((near.frames.max(initial=0) + 1, n_elements, n_elements), np.inf)
        np.minimum.at(closest, (near.frames, centres[near.centres], species), np.linalg.norm(near.vectors, axis=1))
        shortest.append(closest.reshape(len(closest), -1))
    usual = [np.median(of_pair[np.isfinite(of_pair)]) for of_pair in _meeting(np.concatenate(shortest))]
    return float(np.clip(INSIDE * min(usual, default=0.0), LEAST, MOST * cutoff))


def _meeting(lengths: Floats) -> Floats:
    """The columns, one for each pair of elements, in which any is finite."""
    return lengths.T[np.isfinite(lengths).any(axis=0)]
