"""Compiled loops for derivatives by neighbour: the blocks ∂x_s/∂r_c that are not zero.

symbol         here
basis, U, A    as in ``expansion``; U_x, the projection of x = U_x B, is ``projections`` (species, O, D), transposed
c              a centre, of structure m = c // N and atom i = c % N; it is the site s as well
∂A_qlm/∂r      ``one`` (3, nA) of one neighbour, a row of ``rows``
∂x_d/∂A_a      ``by_mixed`` (nA, D) of one centre
∂x_s/∂r_c      ``into`` (B, 3, D), found by ``places``: ``by_neighbour``, ``by_centre`` and ``by_strain``
"""

from __future__ import annotations

import numpy as np

from rfp_md.arrays import Floats, Ints
from rfp_md.atomic_basis.basis import Arrays
from rfp_md.atomic_basis.one_neighbour import Scratch, functions_of, loop, scratch_for

ONE_THREAD = 200_000  # multiplications, for which OpenBLAS starts no threads


@loop
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


@loop
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


@loop
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


@loop
def multiplied(first: Floats, second: Floats) -> Floats:
    """A product of small matrices, (n, a) and (a, D), without the threads of BLAS, which cost more than they save."""
    product = np.empty((len(first), second.shape[1]))
    step = max(1, ONE_THREAD // second.size)
    for start in range(0, len(first), step):
        np.dot(first[start : start + step], second, product[start : start + step])
    return product


@loop
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
    chosen: tuple[int, int],
    first: int,
    into: Floats,
) -> None:
    """∂x_s/∂r_c of x = U B, of the blocks from ``first`` on, added to ``into`` (B, 3, D).

    ∂A/∂r of a neighbour is a row of the product with ∂x/∂A; the centre's, minus the sum of all, and the strain's, their
    sum times the vectors, are rows of it too, so that they cost little where the neighbours' own are not asked for.

    Args:
        projections: Uᵀ (species, O, D).
        places: of the blocks, as ``block_places`` gives them.
        chosen: the first of the centres whose blocks are added, and the one after the last.
    """
    by_neighbour, by_centre, by_strain = places
    last, strains = first + len(into), by_strain.shape[1]
    n_radial, size = len(basis[1]), basis[5]
    by_mixed, one = np.empty((size, projections.shape[2])), np.empty((3, size))
    scratch = scratch_for(basis)
    for c in range(chosen[0], chosen[1]):
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
        chained = multiplied(rows, by_mixed)  # (3 neighbours + 12, D)
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
