"""Compiled loops over the neighbours of atoms: densities, invariants, and their derivatives.

``basis`` is ``Basis.arrays`` everywhere, ``mixing`` is U (element of the centre, of the neighbour, n, Q), and the
neighbours of the centre c are ``offsets[c]`` to ``offsets[c + 1]``.
"""

from __future__ import annotations

from math import sqrt

import numba
import numpy as np

from rfp_md.atomic_basis.basis import Arrays
from rfp_md.atomic_basis.harmonics import harmonics
from rfp_md.frames import Floats, Ints

Scratch = tuple[Floats, Floats, Floats, Floats, Floats, Floats, Floats]

compiled = numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc"})


@compiled  # type: ignore[untyped-decorator]
def radial(r: float, cutoff: float, logs: Floats, steepness: float, values: Floats, slopes: Floats) -> None:
    """R_n(r) = exp(−η ln²(r/r_n)) r^−½ (1 − (r/r_c)²)³ and dR_n/dr; the zero of third order leaves two derivatives.

    Args:
        logs: ln r_n.
    """
    s = 1.0 - (r / cutoff) ** 2
    root = 1.0 / np.sqrt(r)
    fade = s * s * s * root
    fade_slope = -6.0 * r / cutoff**2 * s * s * root - 0.5 * fade / r
    log = np.log(r)
    for n in range(len(logs)):
        d = log - logs[n]
        bump = np.exp(-steepness * d * d)
        values[n] = bump * fade
        slopes[n] = bump * (fade_slope - 2.0 * steepness * d / r * fade)


@compiled  # type: ignore[untyped-decorator]
def factors_of(vector: Floats, mixing: Floats, basis: Arrays, scratch: Scratch) -> float:
    """|r|, with what φ_qlm and its derivatives are products of in ``scratch``: r̂, f_ql, df_ql/dr, Y_lm, ∂Y_lm."""
    cutoff, logs, steepness, _, prefactors, _ = basis
    unit, f, df, y, dy, g, dg = scratch
    r = sqrt(vector[0] ** 2 + vector[1] ** 2 + vector[2] ** 2)
    for x in range(3):
        unit[x] = vector[x] / r
    harmonics(unit, prefactors, y, dy)
    radial(r, cutoff, logs, steepness, g, dg)
    f[:], df[:] = 0.0, 0.0
    for n in range(len(logs)):
        for row in range(len(f)):
            f[row] += mixing[n, row] * g[n]
            df[row] += mixing[n, row] * dg[n]
    return r


@compiled  # type: ignore[untyped-decorator]
def scratch_for(basis: Arrays) -> Scratch:
    """Room for the numbers of one neighbour."""
    channels, prefactors = basis[3], basis[4]
    n, k, m = channels.sum(), len(prefactors) ** 2, len(basis[1])
    return np.empty(3), np.empty(n), np.empty(n), np.empty(k), np.empty((k, 3)), np.empty(m), np.empty(m)


@compiled  # type: ignore[untyped-decorator]
def densities(vectors: Floats, species: Ints, offsets: Ints, centres: Ints, mixing: Floats, basis: Arrays) -> Floats:
    """A_qlm = Σ_j φ_qlm(r_j) of every centre, (centres, nA), with A_0 = 1.

    Args:
        vectors, species: of the neighbours, (P, 3) and (P,).
        centres: species of each centre.
    """
    channels, size = basis[3], basis[5]
    scratch = scratch_for(basis)
    _, f, _, y, _, _, _ = scratch
    density = np.zeros((len(centres), size))
    for c in range(len(centres)):
        for p in range(offsets[c], offsets[c + 1]):
            factors_of(vectors[p], mixing[centres[c], species[p]], basis, scratch)
            at, row = 1, 0
            for l in range(len(channels)):
                for _ in range(channels[l]):
                    for k in range(l * l, (l + 1) * (l + 1)):
                        density[c, at] += f[row] * y[k]
                        at += 1
                    row += 1
        density[c, 0] = 1.0
    return density


@compiled  # type: ignore[untyped-decorator]
def invariants(density: Floats, outputs: Ints, factors: Ints, weights: Floats, n_outputs: int) -> Floats:
    """B_o = Σ_t g_t A_a A_b A_c of every centre, (centres, O)."""
    values = np.zeros((len(density), n_outputs))
    for c in range(len(density)):
        a, out = density[c], values[c]
        for t in range(len(outputs)):
            out[outputs[t]] += weights[t] * a[factors[t, 0]] * a[factors[t, 1]] * a[factors[t, 2]]
    return values


@compiled  # type: ignore[untyped-decorator]
def invariant_pullback(density: Floats, outputs: Ints, factors: Ints, weights: Floats, gradient: Floats) -> Floats:
    """dE/dA (centres, nA) of an energy with dE/dB = ``gradient`` (centres, O)."""
    pulled = np.zeros_like(density)
    for i in range(len(density)):
        d, p, g = density[i], pulled[i], gradient[i]
        for t in range(len(outputs)):
            a, b, c = factors[t]
            w = weights[t] * g[outputs[t]]
            x, y, z = d[a], d[b], d[c]
            p[a] += w * y * z
            p[b] += w * x * z
            p[c] += w * x * y
        p[0] = 0.0
    return pulled


@compiled  # type: ignore[untyped-decorator]
def pulled_vectors(
    vectors: Floats, species: Ints, offsets: Ints, centres: Ints, mixing: Floats, basis: Arrays, gradient: Floats
) -> Floats:
    """dE/d(vector) of every neighbour (P, 3), of an energy with dE/dA = ``gradient`` (centres, nA)."""
    channels = basis[3]
    scratch = scratch_for(basis)
    unit, f, df, y, dy, _, _ = scratch
    pulled = np.empty((len(vectors), 3))
    angular = np.empty(len(y))  # dE/dY_lm
    for c in range(len(centres)):
        g = gradient[c]
        for p in range(offsets[c], offsets[c + 1]):
            r = factors_of(vectors[p], mixing[centres[c], species[p]], basis, scratch)
            angular[:] = 0.0
            along = 0.0
            at, row = 1, 0
            for l in range(len(channels)):
                for _ in range(channels[l]):
                    total = 0.0
                    for k in range(l * l, (l + 1) * (l + 1)):
                        total += g[at] * y[k]
                        angular[k] += g[at] * f[row]
                        at += 1
                    along += df[row] * total
                    row += 1
            for x in range(3):
                across = 0.0
                for k in range(len(y)):
                    across += angular[k] * dy[k, x]
                pulled[p, x] = across / r + along * unit[x]
    return pulled


@compiled  # type: ignore[untyped-decorator]
def scatter_slopes(slopes: Floats, vectors: Floats, atoms: Ints, offsets: Ints, n_atoms: int, into: Floats) -> None:
    """dE/d(vector) (P, 3) added to dE/d(coordinates) (M, C, 3), strain included where there are rows for it."""
    for c in range(len(offsets) - 1):
        m, i = c // n_atoms, c % n_atoms
        for p in range(offsets[c], offsets[c + 1]):
            for x in range(3):
                into[m, atoms[p], x] += slopes[p, x]
                into[m, i, x] -= slopes[p, x]
                if into.shape[1] > n_atoms:
                    for y in range(3):
                        into[m, n_atoms + x, y] += slopes[p, x] * vectors[p, y]


@compiled  # type: ignore[untyped-decorator]
def density_slopes(r: float, basis: Arrays, scratch: Scratch, into: Floats) -> None:
    """∂φ_qlm/∂r of one neighbour (3, nA), from its factors."""
    channels = basis[3]
    unit, f, df, y, dy, _, _ = scratch
    into[:, 0] = 0.0
    at, row = 1, 0
    for l in range(len(channels)):
        for _ in range(channels[l]):
            across = f[row] / r
            for k in range(l * l, (l + 1) * (l + 1)):
                along = df[row] * y[k]
                for x in range(3):
                    into[x, at] = across * dy[k, x] + along * unit[x]
                at += 1
            row += 1


@compiled  # type: ignore[untyped-decorator]
def site_jacobians(
    vectors: Floats,
    species: Ints,
    atoms: Ints,
    offsets: Ints,
    centres: Ints,
    mixing: Floats,
    basis: Arrays,
    density: Floats,
    terms: tuple[Ints, Ints, Floats],
    projections: Floats,
    into: Floats,
) -> None:
    """∂x/∂(coordinates) of x = U B, added to ``into`` (M, N, D, C, 3).

    Args:
        terms: outputs, factors and weights of the couplings.
        projections: U (species, D, O).
    """
    outputs, factors, weights = terms
    n_atoms, n_rows = into.shape[1], into.shape[3]
    size = basis[5]
    by_density = np.empty((size, projections.shape[2]))  # ∂B/∂A, transposed
    scratch = scratch_for(basis)
    for c in range(len(centres)):
        m, i = c // n_atoms, c % n_atoms
        first, last = offsets[c], offsets[c + 1]
        if first == last:
            continue
        slopes = np.empty((3 * (last - first), size))
        for p in range(first, last):
            r = factors_of(vectors[p], mixing[centres[c], species[p]], basis, scratch)
            density_slopes(r, basis, scratch, slopes[3 * (p - first) : 3 * (p - first) + 3])
        by_density[:] = 0.0
        for t in range(len(outputs)):
            a, b, d = factors[t]
            x, y, z = density[c, a], density[c, b], density[c, d]
            by_density[a, outputs[t]] += weights[t] * y * z
            by_density[b, outputs[t]] += weights[t] * x * z
            by_density[d, outputs[t]] += weights[t] * x * y
        chained = np.dot(projections[centres[c]], np.dot(slopes, by_density).T)  # (D, 3 neighbours)
        for d in range(len(chained)):
            row = into[m, i, d]
            for p in range(first, last):
                for x in range(3):
                    s = chained[d, 3 * (p - first) + x]
                    row[atoms[p], x] += s
                    row[i, x] -= s
                    if n_rows > n_atoms:
                        for y in range(3):
                            row[n_atoms + x, y] += s * vectors[p, y]
