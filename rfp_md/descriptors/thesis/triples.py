"""All triples of atoms of a molecule."""

from __future__ import annotations

from functools import lru_cache
from itertools import combinations

import numpy as np

from rfp_md.arrays import Ints


@lru_cache(maxsize=16)
def atom_triples(n_atoms: int) -> Ints:
    """The T = N(N−1)(N−2)/6 triples i < j < k, (3, T)."""
    triples = np.array(list(combinations(range(n_atoms), 3)), dtype=np.int64)
    return triples.reshape(-1, 3).T
