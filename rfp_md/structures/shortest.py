"""The shortest distance of each pair of elements over many structures, periodic images included."""

from __future__ import annotations

import numpy as np

from rfp_md.arrays import Floats, Ints
from rfp_md.frames import Dataset
from rfp_md.structures.neighbours import neighbours

CHUNK_ATOMS = 2000  # whose neighbours are looked for at once


def shortest_distances(dataset: Dataset, elements: Ints, within: float) -> Floats:
    """Find the shortest distance of each pair of elements (E, E), Å; infinite where none is closer than ``within``.

    Args:
        elements: atomic numbers, ascending (E,).
        within: Å.
    """
    shortest = np.full((len(elements), len(elements)), np.inf)
    for block in dataset:
        species = np.searchsorted(elements, block.numbers)
        step = max(1, CHUNK_ATOMS // block.n_atoms)
        for k in range(0, len(block), step):
            near = neighbours(block[k : k + step], within)
            lengths = np.sqrt(np.square(near.vectors).sum(axis=1))
            np.minimum.at(shortest, (species[near.centres % block.n_atoms], species[near.atoms]), lengths)
    both: Floats = np.minimum(shortest, shortest.T)
    return both
