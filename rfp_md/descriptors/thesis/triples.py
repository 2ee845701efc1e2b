"""All triples of atoms of a molecule."""

from __future__ import annotations

from functools import lru_cache
from itertools import combinations

import numpy as np

from rfp_md.arrays import Ints
from rfp_md.errors import UserError

MOST_ATOMS = 60  # 34,220 triples; what follows from one to the other is of the size of triples × atoms


@lru_cache(maxsize=16)
def atom_triples(n_atoms: int) -> Ints:
    """The T = N(N−1)(N−2)/6 triples i < j < k, (3, T). Raises UserError for more atoms than there is room for."""
    if n_atoms > MOST_ATOMS:
        raise UserError(f"{n_atoms} atoms: a descriptor of all triples takes at most {MOST_ATOMS}; use many_body")
    triples = np.array(list(combinations(range(n_atoms), 3)), dtype=np.int64)
    return triples.reshape(-1, 3).T
