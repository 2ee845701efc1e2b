"""Covariances of energies and slopes under a Gaussian process on sites.

symbol       here
x, J         ``ScaledSites.values`` and ``.jacobian``, both in units of the kernel's length
d = x − y    ``apart`` (M, S, T, D), of a site x of structure m and a site y of structure n
κ, g, h      ``kappa``, ``g``, ``h`` times v (M, S, T): κ(|d|), −κ′(r)/r and −g′(r)/r
d·J_n        ``along_mine``, n's own sites moving
d·J_m        ``along_other``, the sites of all later structures moving
K            ``matrix``, lower triangle; energies first, then the slopes of each structure
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rfp_md.arrays import Floats
from rfp_md.progress import Progress
from rfp_md.random_features.radial import RADIAL, RadialKernel, squared_distances


@dataclass(frozen=True, eq=False)
class ScaledSites:
    """All sites of one type of M structures, in units of the kernel's length.

    Attributes:
        values: x (M, S, D).
        jacobian: ∂x/∂c (M, S, D, C), or None where only energies are asked for.
        variance: v, what the kernel is multiplied with.
    """

    values: Floats
    jacobian: Floats | None = None
    variance: float = 1.0


def covariance(scaled: Sequence[ScaledSites], kernel: RadialKernel, progress: Progress) -> Floats:
    """Lower triangle of K (n, n), n = M (1 + C): the M energies, then the C slopes of each structure.

    With d = x − y for a site x of structure m and y of structure n, summed over both, and κ, g, h times v:

        cov(E_m, E_n) = κ,   cov(E_m, ∂E_n) = g d·J_n,   cov(∂E_m, ∂E_n) = J_mᵀ (g 1 − h d dᵀ) J_n
    """
    n_frames = len(scaled[0].values)
    n_slopes = 0 if scaled[0].jacobian is None else scaled[0].jacobian.shape[3]
    matrix = np.zeros((n_frames * (1 + n_slopes),) * 2, order="F")
    progress.start("Covariances", n_frames, "frames")
    for n in range(n_frames):
        start = n_frames + n * n_slopes
        columns = slice(start, start + n_slopes)
        for sites in scaled:
            kappa, g, h, apart = _pairs(sites.values[n:], sites.values[n], kernel, sites.variance)
            matrix[n:n_frames, n] += kappa.sum(axis=(1, 2))
            if sites.jacobian is None:
                continue
            mine, others = sites.jacobian[n], sites.jacobian[n:]
            along_mine = np.einsum("mstd,tdc->mstc", apart, mine, optimize=True)
            along_other = np.matmul(apart, others)
            # cov(∂E_m, E_n) = −g d·J_m
            below = -np.einsum("mst,mstc->mc", g, along_other, optimize=True)
            matrix[start:, n] += below.ravel()
            # n's slopes with the energies of later structures m: below the diagonal too, but in n's rows
            beside = np.einsum("mst,mstc->mc", g, along_mine, optimize=True)
            matrix[columns, n + 1 : n_frames] += beside[1:].T
            flat = len(kappa), -1
            direct = np.einsum("mst,tdc->msdc", g, mine, optimize=True)
            block = _contract(others.reshape(*flat, n_slopes), direct.reshape(*flat, n_slopes))
            block -= _contract(
                along_other.reshape(*flat, n_slopes), (h[..., None] * along_mine).reshape(*flat, n_slopes)
            )
            matrix[start:, columns] += block.reshape(-1, n_slopes)
        progress.advance(1)
    return matrix


def cross_covariance(asked: Sequence[ScaledSites], known: Sequence[ScaledSites], kernel: RadialKernel) -> Floats:
    """Covariances (A, n) of A structures' energies with everything that is known."""
    n_frames = len(known[0].values)
    n_slopes = 0 if known[0].jacobian is None else known[0].jacobian.shape[3]
    matrix = np.zeros((len(asked[0].values), n_frames * (1 + n_slopes)))
    for new, sites in zip(asked, known, strict=True):
        for n in range(n_frames):
            kappa, g, _, apart = _pairs(new.values, sites.values[n], kernel, sites.variance)
            matrix[:, n] += kappa.sum(axis=(1, 2))
            if sites.jacobian is not None:
                start = n_frames + n * n_slopes
                weighted = np.einsum("mst,mstd->mtd", g, apart, optimize=True)
                matrix[:, start : start + n_slopes] += np.einsum(
                    "mtd,tdc->mc", weighted, sites.jacobian[n], optimize=True
                )
    return matrix


def prior_variances(scaled: Sequence[ScaledSites], kernel: RadialKernel) -> Floats:
    """The variance cov(E_m, E_m) of each structure's energy before anything is known (M,)."""
    total = np.zeros(len(scaled[0].values))
    for sites in scaled:
        apart = sites.values[:, :, None] - sites.values[:, None]
        total += sites.variance * RADIAL[kernel](np.square(apart).sum(axis=-1))[0].sum(axis=(1, 2))
    return total


def _pairs(
    values: Floats, site_values: Floats, kernel: RadialKernel, variance: float
) -> tuple[Floats, Floats, Floats, Floats]:
    """v κ, v g, v h (M, S, T) and d (M, S, T, D) of the sites (M, S, D) of many structures and (T, D) of one."""
    apart = values[:, :, None] - site_values
    kappa, g, h = RADIAL[kernel](squared_distances(values, site_values))
    return variance * kappa, variance * g, variance * h, apart


def _contract(first: Floats, second: Floats) -> Floats:
    """Σ_k a_mkc b_mke, (M, C, E)."""
    product: Floats = first.transpose(0, 2, 1) @ second
    return product
