"""Frequencies of shift-invariant kernels: k(x − y) = E[cos ω·(x − y)] for ω from the kernel's spectral density."""

from __future__ import annotations

from typing import Literal

import numpy as np

from rfp_md.arrays import Floats

Kernel = Literal["gaussian", "matern12", "matern32", "matern52", "laplace"]
SMOOTHNESS = {"matern12": 0.5, "matern32": 1.5, "matern52": 2.5}


def sample_frequencies(kernel: Kernel, shape: tuple[int, int], rng: np.random.Generator) -> Floats:
    """Frequencies ω (K, D) of a kernel of length scale 1 (Rahimi and Recht 2007; Rasmussen and Williams 2006, ch. 4).

    gaussian   exp(−|r|²/2)              ω ~ N(0, 1)
    matern ν   Matérn with ν = ½, 3/2, 5/2   ω ~ multivariate Student t with 2ν degrees of freedom
    laplace    exp(−Σ_d |r_d|)           every component of ω ~ Cauchy
    """
    if kernel == "laplace":
        return rng.standard_cauchy(shape)
    normal = rng.standard_normal(shape)
    if kernel == "gaussian":
        return normal
    freedom = 2.0 * SMOOTHNESS[kernel]
    return normal / np.sqrt(rng.chisquare(freedom, (shape[0], 1)) / freedom)
