"""From invariants to the few combinations of them that vary."""

from __future__ import annotations

import numpy as np

from rfp_md.arrays import Floats, Ints

STEADY = 1e-6  # weight of the mean beside the variance, for samples in which hardly anything varies


def principal_invariants(invariants: Floats, orders: Ints, species: Ints, n_species: int, components: int) -> Floats:
    """U (species, D, O) with x = U B: principal components of invariants whose body orders vary equally.

    Args:
        invariants: B of many atoms (n, O).
        orders: how many neighbours each invariant couples (O,).
        species: of each atom (n,).
        components: D, at most.
    """
    kept = min(components, len(orders))
    projections = np.zeros((n_species, kept, len(orders)))
    for k in range(n_species):
        mine = invariants[species == k]
        if len(mine) == 0:
            continue
        centred = mine - mine.mean(axis=0)
        moments = centred.T @ centred / len(mine) + STEADY * (mine.T @ mine) / len(mine)
        total = np.array([moments.diagonal()[orders == order].sum() for order in orders])
        scale = 1.0 / np.sqrt(np.where(total > 0, total, 1.0))
        vectors = np.linalg.eigh(moments * scale[:, None] * scale)[1][:, ::-1][:, :kept]
        projections[k] = vectors.T * scale
    return projections
