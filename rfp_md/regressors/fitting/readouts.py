"""Sums of features for one readout, or for several that share them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rfp_md.arrays import Floats
from rfp_md.regressors.fitting.rows import FeatureBlock
from rfp_md.sites import Sites


def evaluate_readouts(
    blocks: Sequence[FeatureBlock], readouts: Floats, terms: Sequence[Sites]
) -> tuple[Floats, list[Floats]]:
    """E_p = Σ_s Σ_k φ_k(x_s) c_kp (P, M), and for each term ∂E_p/∂x_s = Σ_k c_kp ∂φ_k/∂x_s (P, M, S, D).

    The features and their slopes are evaluated once, whatever the number of readouts.

    Args:
        readouts: c (K, P).
    """
    n_readouts, n_structures = readouts.shape[1], len(terms[0].values)
    energies = np.zeros((n_structures, n_readouts))
    gradients = [np.zeros((n_readouts, *sites.values.shape)) for sites in terms]
    for block in blocks:
        sites = terms[block.term]
        mine = sites.types == block.site_type
        everything = bool(mine.all())
        values = sites.values if everything else sites.values[:, mine]
        x = values.reshape(-1, values.shape[2])  # one matrix: a stack of them would be multiplied one by one
        value, gradient = block.features.contract(x, readouts[block.columns])
        energies += value.reshape(n_structures, -1, n_readouts).sum(axis=1)
        shaped = gradient.reshape(n_readouts, *values.shape)
        if everything:
            gradients[block.term] = shaped
        else:
            gradients[block.term][:, :, mine] = shaped
    return energies.T, gradients
