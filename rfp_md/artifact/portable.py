"""docs/format.md as a program: a model of ``many_body`` and ``random_fourier`` from its file alone, by numpy alone.

It is slow, and there to be compared with: whoever reads ``.rfp`` files in another language writes this once more.
Nothing else of rfp_md is imported; symbols and numbers of sections are those of docs/format.md.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Callable
from itertools import combinations_with_replacement, product
from math import factorial, sqrt
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Arrays = dict[str, NDArray[Any]]
Product = tuple[int, tuple[int, int, int], float]  # o, (a, b, c), g

OVERLAP = 2.0  # width of a radial function, in distances between two of them
TYPES = {"F64": "<f8", "I64": "<i8", "U8": "|u1"}


def read(path: str | Path) -> tuple[dict[str, Any], Arrays]:
    """JSON and arrays of a file (1, 2). Raises ValueError for a damaged file, or one of another version."""
    content = Path(path).read_bytes()
    (size,) = struct.unpack("<Q", content[:8])
    entries = json.loads(content[8 : 8 + size])
    text, arrays = entries.pop("__metadata__")["rfp"], {}
    for name, entry in entries.items():
        start, stop = (8 + size + offset for offset in entry["data_offsets"])
        arrays[name] = np.frombuffer(content[start:stop], TYPES[entry["dtype"]]).reshape(entry["shape"])
    checksum, found = arrays.pop("sha256"), hashlib.sha256(text.encode())
    for name in sorted(arrays):
        found.update(f"{name} {arrays[name].dtype.str} {arrays[name].shape}".encode() + arrays[name].tobytes())
    header = json.loads(text)
    if found.digest() != checksum.tobytes() or header["format_version"] != 3:
        raise ValueError(f"{path}: is damaged, or not of format version 3")
    return header, arrays


def evaluate(
    path: str | Path,
    numbers: Ints,
    positions: Floats,
    cell: Floats | None = None,
    pbc: tuple[bool, bool, bool] = (False, False, False),
    member: int | None = None,
) -> tuple[float, Floats, Floats]:
    """Energy, eV, forces (N, 3), eV/Å, and virial −dE/dstrain (3, 3), eV, of one structure, by the chain rule.

    Args:
        numbers: atomic numbers (N,).
        positions: (N, 3), Å.
        cell: lattice vectors in rows (3, 3), Å; those count whose ``pbc`` is true.
        member: of the committee; default: the model itself.
    """
    header, arrays = read(path)
    c = arrays["regressor.readout"] + (0.0 if member is None else arrays["regressor.committee"][:, member])
    energy, forces, virial, start = 0.0, np.zeros((len(numbers), 3)), np.zeros((3, 3)), 0
    for k, baseline in enumerate(header["baselines"]):
        if baseline["name"] not in ("elements", "zbl"):
            raise ValueError(f"{path}: baseline {baseline['name']} is not for this page")
        elements = arrays[f"baselines.{k}.elements"]
        if baseline["name"] == "elements":
            energy += float(arrays[f"baselines.{k}.energies"][np.searchsorted(elements, numbers)].sum())
            continue
        outer = arrays[f"baselines.{k}.outer"]
        i, j, d = neighbours(positions, np.zeros((3, 3)) if cell is None else cell, pbc, outer.max())
        species = np.searchsorted(elements, numbers)
        pair_energies, slopes = repulsion(
            numbers[i], numbers[j], np.linalg.norm(d, axis=1), outer[species[i], species[j]]
        )
        pull = 0.5 * (slopes / np.linalg.norm(d, axis=1))[:, None] * d
        energy += 0.5 * float(pair_energies.sum())
        np.add.at(forces, i, pull)
        np.add.at(forces, j, -pull)
        virial -= d.T @ pull
    for k, term in enumerate(header["terms"]):
        cutoff = term["parameters"]["cutoff"]
        i, j, d = neighbours(positions, np.zeros((3, 3)) if cell is None else cell, pbc, cutoff)
        state = {name: arrays[f"terms.{k}.{name}"] for name in ("elements", "innermost", "mixing", "projections")}
        x, pullback = describe(term["parameters"], state, numbers, i, j, d)
        gradient = np.zeros_like(x)
        types = (name.split(".") for name in arrays if name.startswith(f"regressor.{k}.") and name.endswith(".biases"))
        for z in sorted(int(parts[2]) for parts in types):
            w, b = arrays[f"regressor.{k}.{z}.weights"], arrays[f"regressor.{k}.{z}.biases"]
            mine, mine_c = numbers == z, c[start : start + len(b)]
            arguments, start = x[mine] @ w.T + b, start + len(b)
            energy += float((np.cos(arguments) @ mine_c).sum())
            gradient[mine] = -(np.sin(arguments) * mine_c) @ w
        pull = pullback(gradient)  # dE/dd
        np.add.at(forces, i, pull)
        np.add.at(forces, j, -pull)
        virial -= d.T @ pull
    return energy, forces, virial


def repulsion(z: Ints, others: Ints, r: Floats, outer: Floats) -> tuple[Floats, Floats]:
    """Energies of pairs (P,), eV, and their slopes dE/dr, eV/Å, by the baseline ``zbl`` (3)."""
    strength, rate = 14.399645 * z * others, (z**0.23 + others**0.23) / 0.46850
    terms = [(0.18175, 3.19980), (0.50986, 0.94229), (0.28022, 0.40290), (0.02817, 0.20162)]
    screening = sum(c * np.exp(-b * rate * r) for c, b in terms)
    steepness = sum(-b * rate * c * np.exp(-b * rate * r) for c, b in terms)
    t = np.clip((r / outer - 0.7) / 0.3, 0.0, 1.0)
    switch, fall = 1.0 - t**3 * (10.0 - 15.0 * t + 6.0 * t**2), -30.0 * t**2 * (1.0 - t) ** 2 / (0.3 * outer)
    bare = strength / r * screening
    return bare * switch, strength / r * (steepness - screening / r) * switch + bare * fall


def neighbours(positions: Floats, cell: Floats, pbc: tuple[bool, ...], cutoff: float) -> tuple[Ints, Ints, Floats]:
    """Centre i, neighbour j and d = r_j − r_i (P, 3), images included, of every pair within the cutoff (4)."""
    lattice = cell[list(pbc)]
    inverse = np.linalg.pinv(lattice)
    apart = positions[None] - positions[:, None]
    reach = np.ceil(cutoff * np.linalg.norm(inverse, axis=0) + np.abs(apart @ inverse).max(axis=(0, 1)))
    counts = list(product(*(range(-int(n), int(n) + 1) for n in reach)))
    vectors = apart[:, :, None] + np.array(counts, dtype=float).reshape(len(counts), -1) @ lattice
    distances = np.linalg.norm(vectors, axis=3)
    i, j, image = np.nonzero((distances < cutoff) & (distances > 0.0))
    return i, j, vectors[i, j, image]


def describe(
    options: dict[str, Any], state: Arrays, numbers: Ints, i: Ints, j: Ints, d: Floats
) -> tuple[Floats, Callable[[Floats], Floats]]:
    """x (N, D) of every atom, and from dE/dx (N, D) to dE/dd (P, 3) (5 to 9)."""
    n_radial, l_max, cutoff = options["n_radial"], options["max_angular"], options["cutoff"]
    species, every = np.searchsorted(state["elements"], numbers), len(state["elements"]) * n_radial
    channels = [every] + [min(options["channels"], every)] * l_max
    products = couplings(channels, options)
    o, factors = np.array([p[0] for p in products]), np.array([p[1] for p in products])
    g = np.array([p[2] for p in products])
    r = np.linalg.norm(d, axis=1)
    radial, radial_derivative = radial_functions(r, n_radial, state["innermost"][0], cutoff)
    y, dy = harmonics(d / r[:, None], l_max)
    rows = species[j][:, None] * n_radial + np.arange(n_radial)
    density = np.zeros((len(numbers), every, (l_max + 1) ** 2))
    np.add.at(density, (i[:, None], rows), radial[:, :, None] * y[:, None])
    mixing = state["mixing"].reshape(len(state["elements"]), every, -1)[species]
    blocks = [(l, slice(l * l, (l + 1) ** 2), slice(*np.cumsum([0, *channels])[l : l + 2])) for l in range(l_max + 1)]
    a = np.ones((len(numbers), 1))
    for _, m, q in blocks:
        a = np.hstack([a, np.einsum("czm,czq->cmq", density[:, :, m], mixing[:, :, q]).reshape(len(a), -1)])
    invariants = np.zeros((len(numbers), o[-1] + 1))
    np.add.at(invariants.T, o, (g * a[:, factors].prod(axis=2)).T)
    projections = state["projections"][species]

    def pullback(gradient: Floats) -> Floats:
        by_product = g * np.einsum("cd,cdo->co", gradient, projections)[:, o]
        by_a, start, by_density = np.zeros_like(a), 1, np.empty_like(density)
        for k in range(3):
            others = a[:, np.delete(factors, k, axis=1)].prod(axis=2)
            np.add.at(by_a.T, factors[:, k], (by_product * others).T)
        for l, m, q in blocks:
            stop = start + (2 * l + 1) * channels[l]
            part = by_a[:, start:stop].reshape(len(a), 2 * l + 1, channels[l])
            by_density[:, :, m], start = np.einsum("cmq,czq->czm", part, mixing[:, :, q]), stop
        mine = by_density[i[:, None], rows]  # (P, n, lm)
        along = np.einsum("pnm,pn,pm->p", mine, radial_derivative, y) / r
        across = np.einsum("pnm,pn,pxm->px", mine, radial, dy) / r[:, None]
        pulled: Floats = along[:, None] * d + across
        return pulled

    return np.einsum("cdo,co->cd", projections, invariants), pullback


def radial_functions(r: Floats, n_radial: int, innermost: float, cutoff: float) -> tuple[Floats, Floats]:
    """R_n(r) and dR_n/dr, (P, n) (5)."""
    centres = innermost * (cutoff / innermost) ** (np.arange(n_radial) / n_radial)
    logs, eta = np.log(r[:, None] / centres), 0.5 / (OVERLAP * np.log(cutoff / innermost) / n_radial) ** 2
    t = 1.0 - (r[:, None] / cutoff) ** 2
    values = np.exp(-eta * logs**2) * r[:, None] ** -0.5 * t**3
    return values, values * (-(2.0 * eta * logs + 0.5) / r[:, None] - 6.0 * r[:, None] / cutoff**2 / t)


def harmonics(unit: Floats, l_max: int) -> tuple[Floats, Floats]:
    """Y_lm(u) at l² + l + m, (P, L²), and ∂Y_lm(r/|r|)/∂r at |r| = 1, (P, 3, L²) (6)."""
    x, y, z = unit.T
    q = np.zeros((l_max + 2, l_max + 3, len(x)))  # Q_lm; row −1 stays zero
    q[0, 0] = 1.0
    for l in range(1, l_max + 1):
        q[l, l], q[l, l - 1] = -(2 * l - 1) * q[l - 1, l - 1], (2 * l - 1) * z * q[l - 1, l - 1]
        for m in range(l - 1):
            q[l, m] = ((2 * l - 1) * z * q[l - 1, m] - (l + m - 1) * q[l - 2, m]) / (l - m)
    values, gradients = np.empty((len(x), (l_max + 1) ** 2)), np.empty((len(x), 3, (l_max + 1) ** 2))
    for l, m in ((n, m) for n in range(l_max + 1) for m in range(-n, n + 1)):
        k, n = l * l + l + m, abs(m)
        f = sqrt((2.0 if m else 1.0) * factorial(l - n) / factorial(l + n))
        power, before = (x + 1j * y) ** n, n * (x + 1j * y) ** max(n - 1, 0)
        angle, dx, dy = (part.real if m >= 0 else part.imag for part in (power, before, 1j * before))
        values[:, k] = f * q[l, n] * angle
        common, radial = f * q[l - 1, n + 1] * angle, l * values[:, k]
        gradients[:, 0, k] = x * common + f * q[l, n] * dx - radial * x
        gradients[:, 1, k] = y * common + f * q[l, n] * dy - radial * y
        gradients[:, 2, k] = f * (l + n) * q[l - 1, n] * angle - radial * z
    return values, gradients


def couplings(channels: list[int], options: dict[str, Any]) -> list[Product]:
    """Every product in the order of the invariants (8)."""

    def places(l: int, q: int) -> list[int]:
        start = 1 + sum((2 * k + 1) * channels[k] for k in range(l)) + q
        return [start + m * channels[l] for m in range(2 * l + 1)]

    found: list[Product] = [(q, (places(0, q)[0], 0, 0), 1.0) for q in range(channels[0])]
    o = channels[0]
    if options["body_order"] > 2:
        for l, count in enumerate(min(options["channels"], q) for q in channels):
            for q, p in combinations_with_replacement(range(count), 2):
                g = (1.0 if q == p else sqrt(2.0)) / sqrt(2 * l + 1)
                found += [(o, (a, b, 0), g) for a, b in zip(places(l, q), places(l, p), strict=True)]
                o += 1
    if options["body_order"] > 3:
        counts = [min(options["four_body_channels"], q) for q in channels[:3]]
        functions = [(l, q) for l, count in enumerate(counts) for q in range(count)]
        table = gaunt(len(counts))
        for triple in combinations_with_replacement(functions, 3):
            if entries := table[tuple(l for l, _ in triple)]:
                a, b, c = (places(l, q) for l, q in triple)
                found += [(o, (a[m], b[n], c[p]), g) for m, n, p, g in entries]
                o += 1
    return found


def gaunt(size: int) -> dict[tuple[int, ...], list[tuple[int, int, int, float]]]:
    """G of l ≤ l′ ≤ l″ < size as (l + m, l′ + m′, l″ + m″, G), by a quadrature that is exact (8)."""
    z, weights = np.polynomial.legendre.leggauss(3 * size)
    phi = np.pi * np.arange(6 * size) / (3 * size)
    sine = np.sqrt(1.0 - z**2)[:, None]
    points = np.stack([sine * np.cos(phi), sine * np.sin(phi), z[:, None] + 0.0 * phi], axis=-1).reshape(-1, 3)
    values = harmonics(points, size - 1)[0]
    table: dict[tuple[int, ...], list[tuple[int, int, int, float]]] = {}
    for triple in combinations_with_replacement(range(size), 3):
        parts = [values[:, l * l : (l + 1) ** 2] for l in triple]
        integral = np.einsum("p,pi,pj,pk->ijk", np.repeat(weights, len(phi)) / (12 * size), *parts)
        integral /= max(float(np.linalg.norm(integral)), 1e-3)  # those that vanish stay small
        where = np.argwhere(np.abs(integral) > 1e-12)
        table[triple] = [(int(m), int(n), int(p), float(integral[m, n, p])) for m, n, p in where]
    return table
