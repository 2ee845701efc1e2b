"""The columns of a least-squares problem that explain most, chosen on its normal equations.

symbol          here
A, b            ``part`` gives any part of A (K, K); ``rhs`` (K,)
λ               ``regularization``
P               the columns that are chosen so far, ``chosen[:start]``
b^P             ``left``: what of b they do not explain (K,)
(A^P + λ)_kk    ``diagonal`` (K,)
L               ``factor`` (K, count): ``done`` are its columns up to a block, ``new`` those of the block
A^P + λ         of some columns only: ``rest`` among the candidates, ``remaining`` in the columns of a block
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.linalg import solve_triangular

from rfp_md.arrays import Floats, Ints
from rfp_md.progress import Progress

BLOCK = 256  # columns that are chosen before all others are updated
CANDIDATES = 1024  # the most promising ones, among which a block is chosen


def select_columns(
    part: Callable[[Ints, Ints], Floats], rhs: Floats, count: int, regularization: float, progress: Progress
) -> Ints:
    """Forward orthogonal least squares for (A + λ) c = b with a unit diagonal of A (K, K).

    Once the columns P are chosen, what they do not explain is

        A^P = A − A_:P (A + λ)_PP⁻¹ A_P: = A − L Lᵀ,   b^P = b − A_:P (A + λ)_PP⁻¹ b_P

    and the next one is argmax_k (b^P_k)² / (A^P + λ)_kk, which lowers the error most (Chen, Cowan and Grant,
    IEEE Trans. Neural Netw. 2, 302 (1991)). L (K, count) grows by a block of columns at a time.

    Args:
        part: from indices of rows (m,) and of columns (n,) to that part of A (m, n).
        rhs: b (K,).

    Returns:
        Indices (count,), the best first.
    """
    left = rhs.copy()  # b^P
    diagonal = np.full(len(rhs), 1.0 + regularization)  # of A^P + λ
    factor = np.zeros((len(rhs), count))
    chosen = np.empty(count, dtype=np.int64)
    every, free = np.arange(len(rhs)), np.ones(len(rhs), dtype=bool)
    for start in range(0, count, BLOCK):
        done, new = factor[:, :start], factor[:, start : start + BLOCK]
        score = np.where(free, left**2 / np.maximum(diagonal, regularization), -1.0)
        candidates = np.argpartition(-score, min(CANDIDATES, len(score) - 1))[:CANDIDATES]
        candidates = candidates[free[candidates]]
        rest = part(candidates, candidates) - done[candidates] @ done[candidates].T
        rest[np.diag_indices(len(rest))] += regularization
        picked, triangle = _pick(rest, left[candidates], new.shape[1], regularization)
        some = candidates[picked]
        # L's new columns solve (A^P + λ)_:,some = L_new L_some,newᵀ
        remaining = part(every, some) - done @ done[some].T
        remaining[some, np.arange(len(some))] += regularization
        new[:] = solve_triangular(triangle, remaining.T, lower=True).T
        left -= new @ solve_triangular(triangle, left[some], lower=True)
        diagonal -= np.einsum("kn,kn->k", new, new)
        chosen[start : start + len(some)] = some
        free[some] = False
        progress.advance(len(some))
    return chosen


def _pick(rest: Floats, left: Floats, count: int, regularization: float) -> tuple[Ints, Floats]:
    """The best of some columns one by one, and the lower triangle of their Cholesky factor.

    Args:
        rest: (A^P + λ) of these columns.
        left: b^P.
    """
    left, diagonal = left.copy(), rest.diagonal().copy()
    factor = np.zeros((len(rest), count))
    picked = np.empty(count, dtype=np.int64)
    free = np.ones(len(rest), dtype=bool)
    for j in range(count):
        score = np.where(free, left**2 / np.maximum(diagonal, regularization), -1.0)
        k = picked[j] = int(np.argmax(score))
        root = np.sqrt(max(diagonal[k], regularization))
        factor[:, j] = (rest[:, k] - factor[:, :j] @ factor[k, :j]) / root
        factor[k, j] = root
        left -= factor[:, j] * (left[k] / root)
        diagonal -= factor[:, j] ** 2
        free[k] = False
    return picked, np.tril(factor[picked])
