"""Compiled loops from the neighbours of atoms to their densities and invariants, and from gradients back.

Neighbours are many, so that what is done for each of them is little: the densities D know nothing of channels, into
which U combines them once for a centre.

symbol         here
basis          ``Basis.arrays``
j              a neighbour p; those of the centre c are ``offsets[c]`` to ``offsets[c + 1]``
R_n, Y_lm      ``g`` and ``y`` of one neighbour, with derivatives ``dg`` and ``dy``
D_znlm         ``density`` (centres, z·n, L²)
U_ql,zn        ``mixing`` (element of the centre, z·n, Q)
A_qlm          ``mixed`` (centres, nA), in the order of ``ChannelLayout``
g_t, a, b, c   ``weights`` and ``factors`` of the products t, with ``outputs`` o(t)
B_o            what ``invariants`` gives (centres, O)
"""

from __future__ import annotations

import numpy as np

from rfp_md.arrays import Floats, Ints
from rfp_md.atomic_basis.basis import Arrays
from rfp_md.atomic_basis.one_neighbour import functions_of, loop, scratch_for


@loop
def densities(vectors: Floats, species: Ints, offsets: Ints, basis: Arrays) -> Floats:
    """D_znlm = Σ_j δ(z, z_j) R_n(r_j) Y_lm(r̂_j) of every centre, (centres, z·n, L²).

    Args:
        vectors, species: of the neighbours, (P, 3) and (P,).
    """
    n_radial, channels = len(basis[1]), basis[3]
    scratch = scratch_for(basis)
    _, g, _, y, _, _ = scratch
    density = np.zeros((len(offsets) - 1, channels[0], len(y)))
    for c in range(len(density)):
        for p in range(offsets[c], offsets[c + 1]):
            functions_of(vectors[p], basis, scratch)
            for n in range(n_radial):
                row = density[c, species[p] * n_radial + n]
                for k in range(len(y)):
                    row[k] += g[n] * y[k]
    return density


@loop
def mix(density: Floats, centres: Ints, mixing: Floats, basis: Arrays) -> Floats:
    """A_qlm = Σ_zn U_ql,zn D_znlm of every centre, (centres, nA) as ``ChannelLayout`` has them, with A_0 = 1.

    Args:
        centres: species of each centre.
    """
    channels, size = basis[3], basis[5]
    found = np.zeros((len(centres), size))
    for c in range(len(centres)):
        u, a = mixing[centres[c]], found[c]
        a[0] = 1.0
        for i in range(len(u)):
            at, row = 1, 0
            for l in range(len(channels)):
                some = u[i, row : row + channels[l]]
                for k in range(l * l, (l + 1) * (l + 1)):
                    d, into = density[c, i, k], a[at : at + channels[l]]
                    for q in range(len(some)):
                        into[q] += d * some[q]
                    at += len(some)
                row += len(some)
    return found


@loop
def mixing_pullback(gradient: Floats, centres: Ints, mixing: Floats, basis: Arrays) -> Floats:
    """dE/dD (centres, z·n, L²) of an energy with dE/dA = ``gradient`` (centres, nA)."""
    channels, prefactors = basis[3], basis[4]
    pulled = np.empty((len(centres), channels[0], len(prefactors) ** 2))
    for c in range(len(centres)):
        u, g = mixing[centres[c]], gradient[c]
        for i in range(len(u)):
            at, row = 1, 0
            for l in range(len(channels)):
                some = u[i, row : row + channels[l]]
                for k in range(l * l, (l + 1) * (l + 1)):
                    mine, total = g[at : at + channels[l]], 0.0
                    for q in range(len(some)):
                        total += mine[q] * some[q]
                    pulled[c, i, k] = total
                    at += len(some)
                row += len(some)
    return pulled


@loop
def invariants(mixed: Floats, outputs: Ints, factors: Ints, weights: Floats, n_outputs: int) -> Floats:
    """B_o = Σ_t g_t A_a A_b A_c of every centre, (centres, O)."""
    values = np.zeros((len(mixed), n_outputs))
    for c in range(len(mixed)):
        a, out = mixed[c], values[c]
        for t in range(len(outputs)):
            out[outputs[t]] += weights[t] * a[factors[t, 0]] * a[factors[t, 1]] * a[factors[t, 2]]
    return values


@loop
def invariant_pullback(mixed: Floats, outputs: Ints, factors: Ints, weights: Floats, gradient: Floats) -> Floats:
    """dE/dA (centres, nA) of an energy with dE/dB = ``gradient`` (centres, O)."""
    pulled = np.zeros_like(mixed)
    for i in range(len(mixed)):
        d, p, g = mixed[i], pulled[i], gradient[i]
        for t in range(len(outputs)):
            a, b, c = factors[t]
            w = weights[t] * g[outputs[t]]
            x, y, z = d[a], d[b], d[c]
            p[a] += w * y * z
            if b > 0:
                p[b] += w * x * z
            if c > 0:
                p[c] += w * x * y
    return pulled


@loop
def pulled_vectors(vectors: Floats, species: Ints, offsets: Ints, basis: Arrays, gradient: Floats) -> Floats:
    """dE/d(vector) of every neighbour (P, 3), of an energy with dE/dD = ``gradient`` (centres, z·n, L²)."""
    n_radial = len(basis[1])
    scratch = scratch_for(basis)
    unit, g, dg, y, dy, _ = scratch
    pulled = np.empty((len(vectors), 3))
    angular = np.empty(len(y))  # dE/dY_lm
    for c in range(len(gradient)):
        for p in range(offsets[c], offsets[c + 1]):
            r = functions_of(vectors[p], basis, scratch)
            angular[:] = 0.0
            along = 0.0
            for n in range(n_radial):
                row = gradient[c, species[p] * n_radial + n]
                total = 0.0
                for k in range(len(y)):
                    total += row[k] * y[k]
                    angular[k] += row[k] * g[n]
                along += dg[n] * total
            for x in range(3):
                across = 0.0
                for k in range(len(y)):
                    across += angular[k] * dy[x, k]
                pulled[p, x] = across / r + along * unit[x]
    return pulled


@loop
def scatter_pulled(pulled: Floats, vectors: Floats, atoms: Ints, offsets: Ints, n_atoms: int, into: Floats) -> None:
    """dE/d(vector) (P, 3) added to dE/d(coordinates) (M, C, 3), strain included where there are rows for it."""
    for c in range(len(offsets) - 1):
        m, i = c // n_atoms, c % n_atoms
        for p in range(offsets[c], offsets[c + 1]):
            for x in range(3):
                into[m, atoms[p], x] += pulled[p, x]
                into[m, i, x] -= pulled[p, x]
                if into.shape[1] > n_atoms:
                    for y in range(3):
                        into[m, n_atoms + x, y] += pulled[p, x] * vectors[p, y]
