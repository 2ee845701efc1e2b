"""Compiled loops over the neighbours of atoms: densities, invariants, and their derivatives.

``basis`` is ``Basis.arrays`` everywhere, the neighbours of the centre c are ``offsets[c]`` to ``offsets[c + 1]``, and
U is ``mixing`` (element of the centre, z·n, Q). Neighbours are many, so that what is done for each of them is little:
the densities D_znlm know nothing of channels, into which U combines them once for a centre.
"""

from __future__ import annotations

from math import sqrt

import numba
import numpy as np

from rfp_md.arrays import Floats, Ints
from rfp_md.atomic_basis.basis import Arrays
from rfp_md.atomic_basis.harmonics import Room, harmonics, room_for

Scratch = tuple[Floats, Floats, Floats, Floats, Floats, Room]

compiled = numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc"})


@compiled  # type: ignore[untyped-decorator]
def radial(r: float, cutoff: float, logs: Floats, steepness: float, values: Floats, derivatives: Floats) -> None:
    """R_n(r) = exp(−η ln²(r/r_n)) r^−½ (1 − (r/r_c)²)³ and dR_n/dr; the zero of third order leaves two derivatives.

    Args:
        logs: ln r_n, which are equally spaced by s: with d = ln(r/r_0), each bump is the one before times
            exp(η s (2d − s)) exp(−2η s²)ⁿ, so that three exponentials are enough.
    """
    t = 1.0 - (r / cutoff) ** 2
    root = 1.0 / np.sqrt(r)
    fade = t * t * t * root
    fade_derivative = -6.0 * r / cutoff**2 * t * t * root - 0.5 * fade / r
    d, s = np.log(r) - logs[0], logs[1] - logs[0]
    bump, ratio = np.exp(-steepness * d * d), np.exp(steepness * s * (2.0 * d - s))
    decay = np.exp(-2.0 * steepness * s * s)
    for n in range(len(logs)):
        values[n] = bump * fade
        derivatives[n] = bump * (fade_derivative - 2.0 * steepness * (d - n * s) / r * fade)
        bump *= ratio
        ratio *= decay


@compiled  # type: ignore[untyped-decorator]
def functions_of(vector: Floats, basis: Arrays, scratch: Scratch) -> float:
    """|r|, and into ``scratch`` r̂, R_n, dR_n/dr, Y_lm and ∂Y_lm."""
    cutoff, logs, steepness, _, prefactors, _ = basis
    unit, g, dg, y, dy, room = scratch
    r = sqrt(vector[0] ** 2 + vector[1] ** 2 + vector[2] ** 2)
    for x in range(3):
        unit[x] = vector[x] / r
    harmonics(unit, prefactors, room, y, dy)
    radial(r, cutoff, logs, steepness, g, dg)
    return r


@compiled  # type: ignore[untyped-decorator]
def scratch_for(basis: Arrays) -> Scratch:
    """Room for the numbers of one neighbour."""
    n, size = len(basis[1]), len(basis[4])
    return np.empty(3), np.empty(n), np.empty(n), np.empty(size**2), np.empty((3, size**2)), room_for(size)


@compiled  # type: ignore[untyped-decorator]
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


@compiled  # type: ignore[untyped-decorator]
def mix(density: Floats, centres: Ints, mixing: Floats, basis: Arrays) -> Floats:
    """A_qlm = Σ_zn U_ql,zn D_znlm of every centre, (centres, nA) as ``Layout`` has them, with A_0 = 1.

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


@compiled  # type: ignore[untyped-decorator]
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


@compiled  # type: ignore[untyped-decorator]
def invariants(mixed: Floats, outputs: Ints, factors: Ints, weights: Floats, n_outputs: int) -> Floats:
    """B_o = Σ_t g_t A_a A_b A_c of every centre, (centres, O)."""
    values = np.zeros((len(mixed), n_outputs))
    for c in range(len(mixed)):
        a, out = mixed[c], values[c]
        for t in range(len(outputs)):
            out[outputs[t]] += weights[t] * a[factors[t, 0]] * a[factors[t, 1]] * a[factors[t, 2]]
    return values


@compiled  # type: ignore[untyped-decorator]
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


@compiled  # type: ignore[untyped-decorator]
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


@compiled  # type: ignore[untyped-decorator]
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


@compiled  # type: ignore[untyped-decorator]
def density_derivatives(r: float, mixing: Floats, basis: Arrays, scratch: Scratch, into: Floats) -> None:
    """∂A_qlm/∂r of one neighbour (3, nA), from its functions and what U has for its element (n, Q)."""
    channels = basis[3]
    unit, g, dg, y, dy, _ = scratch
    f, df = np.dot(g, mixing), np.dot(dg, mixing)
    into[:, 0] = 0.0
    at, row = 1, 0
    for l in range(len(channels)):
        for k in range(l * l, (l + 1) * (l + 1)):
            for x in range(3):
                across, along = dy[x, k] / r, y[k] * unit[x]
                for q in range(channels[l]):
                    into[x, at + q] = f[row + q] * across + df[row + q] * along
            at += channels[l]
        row += channels[l]


@compiled  # type: ignore[untyped-decorator]
def block_places(
    atoms: Ints, offsets: Ints, n_frames: int, n_atoms: int, strains: int
) -> tuple[Ints, Ints, tuple[Ints, Ints, Ints]]:
    """Which blocks ∂x_s/∂r_c are not zero, and where the neighbours of each centre add to them.

    Several images of an atom share its block, and a centre has one of its own.

    Args:
        strains: rows of the strain among the coordinates, 3 or 0; they see all sites that have neighbours.

    Returns:
        site of each block (B,), offsets by coordinate (M·C + 1,), and the block of each neighbour (P,), of each centre
        (centres,), −1 where it has no neighbours, and of each row of its strain (centres, 3 or 0).
    """
    n_rows = n_atoms + strains
    seen = np.full(n_atoms, -1)
    starts = np.zeros(n_frames * n_rows + 1, np.int64)
    for c in range(n_frames * n_atoms):
        if offsets[c] == offsets[c + 1]:
            continue
        m, i = c // n_atoms, c % n_atoms
        seen[i] = c
        starts[m * n_rows + i + 1] += 1
        for p in range(offsets[c], offsets[c + 1]):
            if seen[atoms[p]] != c:
                seen[atoms[p]] = c
                starts[m * n_rows + atoms[p] + 1] += 1
        for x in range(strains):
            starts[m * n_rows + n_atoms + x + 1] += 1
    starts = np.cumsum(starts)
    sites, free = np.empty(starts[-1], np.int64), starts[:-1].copy()
    by_neighbour, by_centre = np.empty(len(atoms), np.int64), np.full(n_frames * n_atoms, -1)
    by_strain = np.full((n_frames * n_atoms, strains), -1)
    place = np.empty(n_atoms, np.int64)
    seen[:] = -1
    for c in range(n_frames * n_atoms):
        if offsets[c] == offsets[c + 1]:
            continue
        m, i = c // n_atoms, c % n_atoms
        seen[i] = c
        place[i] = by_centre[c] = free[m * n_rows + i]
        sites[place[i]] = c
        free[m * n_rows + i] += 1
        for p in range(offsets[c], offsets[c + 1]):
            a = atoms[p]
            if seen[a] != c:
                seen[a] = c
                place[a] = free[m * n_rows + a]
                sites[place[a]] = c
                free[m * n_rows + a] += 1
            by_neighbour[p] = place[a]
        for x in range(strains):
            by_strain[c, x] = free[m * n_rows + n_atoms + x]
            sites[by_strain[c, x]] = c
            free[m * n_rows + n_atoms + x] += 1
    return sites, starts, (by_neighbour, by_centre, by_strain)


@compiled  # type: ignore[untyped-decorator]
def components_by_mixed(mixed: Floats, products: tuple[Ints, Ints, Floats], projection: Floats, into: Floats) -> None:
    """∂x_d/∂A_a of one centre (nA, D), x = U B, from its A (nA,).

    Args:
        products: outputs, factors and weights of the couplings.
        projection: Uᵀ of the centre's element (O, D).
    """
    outputs, factors, weights = products
    into[:] = 0.0
    for t in range(len(outputs)):
        a, b, c = factors[t]
        w, row = weights[t], projection[outputs[t]]
        x, y, z = mixed[a], mixed[b], mixed[c]
        for d in range(len(row)):
            into[a, d] += w * y * z * row[d]
        if b > 0:
            for d in range(len(row)):
                into[b, d] += w * x * z * row[d]
        if c > 0:
            for d in range(len(row)):
                into[c, d] += w * x * y * row[d]


@compiled  # type: ignore[untyped-decorator]
def site_blocks(
    vectors: Floats,
    species: Ints,
    offsets: Ints,
    centres: Ints,
    mixing: Floats,
    basis: Arrays,
    mixed: Floats,
    products: tuple[Ints, Ints, Floats],
    projections: Floats,
    places: tuple[Ints, Ints, Ints],
    first: int,
    into: Floats,
) -> None:
    """∂x_s/∂r_c of x = U B, of the blocks from ``first`` on, added to ``into`` (B, 3, D).

    ∂A/∂r of a neighbour is a row of the product with ∂x/∂A; the centre's, minus the sum of all, and the strain's, their
    sum times the vectors, are rows of it too, so that they cost little where the neighbours' own are not asked for.

    Args:
        projections: Uᵀ (species, O, D).
        places: of the blocks, as ``block_places`` gives them.
    """
    by_neighbour, by_centre, by_strain = places
    last, strains = first + len(into), by_strain.shape[1]
    n_radial, size = len(basis[1]), basis[5]
    by_mixed, one = np.empty((size, projections.shape[2])), np.empty((3, size))
    scratch = scratch_for(basis)
    for c in range(len(centres)):
        if by_centre[c] < 0:
            continue
        central = first <= by_centre[c] < last
        strained = strains > 0 and by_strain[c, 2 % max(1, strains)] >= first and by_strain[c, 0] < last
        count = 0
        for p in range(offsets[c], offsets[c + 1]):
            count += first <= by_neighbour[p] < last
        if count == 0 and not central and not strained:
            continue
        rows = np.zeros((3 * count + 12, size))
        whole, k = rows[3 * count :], 0
        for p in range(offsets[c], offsets[c + 1]):
            wanted = first <= by_neighbour[p] < last
            if not (wanted or central or strained):
                continue
            r = functions_of(vectors[p], basis, scratch)
            mine = mixing[centres[c], species[p] * n_radial : (species[p] + 1) * n_radial]
            density_derivatives(r, mine, basis, scratch, one)
            if wanted:
                rows[k : k + 3] = one
                k += 3
            if central or strained:
                for x in range(3):
                    for a in range(size):
                        whole[x, a] -= one[x, a]
            if strained:
                for x in range(3):
                    for y in range(3):
                        v = vectors[p, y]
                        for a in range(size):
                            whole[3 + 3 * x + y, a] += v * one[x, a]
        components_by_mixed(mixed[c], products, projections[centres[c]], by_mixed)
        chained = np.dot(rows, by_mixed)  # (3 neighbours + 12, D)
        k = 0
        for p in range(offsets[c], offsets[c + 1]):
            if first <= by_neighbour[p] < last:
                into[by_neighbour[p] - first] += chained[k : k + 3]
                k += 3
        if central:
            into[by_centre[c] - first] += chained[k : k + 3]
        if strained:
            for x in range(3):
                if first <= by_strain[c, x] < last:
                    into[by_strain[c, x] - first] += chained[k + 3 + 3 * x : k + 6 + 3 * x]
