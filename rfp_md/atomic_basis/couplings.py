"""Which products of atomic basis functions are invariant under rotations."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np

from rfp_md.arrays import Floats, Ints
from rfp_md.atomic_basis.harmonics import harmonics, prefactors, room_for

NEGLIGIBLE = 1e-12  # a coupling below this is zero


@dataclass(frozen=True, eq=False)
class ChannelLayout:
    """Where A_qlm stands among the numbers of an atom: by l, m, q; number 0 is the constant 1.

    Attributes:
        channels: how many channels q each l has.
    """

    channels: tuple[int, ...]

    def limited(self, most: int) -> tuple[int, ...]:
        """The numbers of channels of each l, at most ``most``."""
        return tuple(min(most, count) for count in self.channels)

    @property
    def size(self) -> int:
        """How many numbers an atom has: the constant and all A_qlm, nA = 1 + Σ_l (2l + 1) q_l."""
        return 1 + sum((2 * l + 1) * q for l, q in enumerate(self.channels))

    def places(self, l: int, q: int) -> list[int]:
        """Where A_qlm of one channel q stand, for m = −l, …, l."""
        start = 1 + sum((2 * k + 1) * n for k, n in enumerate(self.channels[:l])) + q
        return [start + m * self.channels[l] for m in range(2 * l + 1)]


@dataclass(frozen=True, eq=False)
class Couplings:
    """B_o = Σ_t g_t A_a(t) A_b(t) A_c(t) over the products t with o(t) = o.

    Attributes:
        outputs: o(t), ascending (T,).
        factors: a(t), b(t), c(t) (T, 3); 0 where a product has fewer factors.
        weights: g_t (T,).
        orders: the number of neighbours that each invariant couples (O,): 1, 2 or 3.
    """

    outputs: Ints
    factors: Ints
    weights: Floats
    orders: Ints

    @property
    def products(self) -> tuple[Ints, Ints, Floats]:
        """What the compiled loops take."""
        return self.outputs, self.factors, self.weights


def couplings(layout: ChannelLayout, channels: tuple[int, ...], four_body: tuple[int, ...]) -> Couplings:
    """All invariants of one, two and three neighbours.

    one     A_q00, all channels
    two     Σ_m A_qlm A_q′lm / √(2l + 1) for q ≤ q′ < channels[l]
    three   Σ G A_qlm A_q′l′m′ A_q″l″m″ for channels below four_body[l], with G the Gaunt coefficients

    Args:
        channels, four_body: how many channels of each l are multiplied; the tuples may be empty.
    """
    products: list[tuple[int, tuple[int, int, int], float]] = []
    orders: list[int] = []
    for q in range(layout.channels[0]):
        products.append((len(orders), (layout.places(0, q)[0], 0, 0), 1.0))
        orders.append(1)
    for l, count in enumerate(channels):
        for q, p in combinations_with_replacement(range(count), 2):
            weight = (1.0 if q == p else np.sqrt(2.0)) / np.sqrt(2 * l + 1)
            pairs = zip(layout.places(l, q), layout.places(l, p), strict=True)
            products += [(len(orders), (a, b, 0), weight) for a, b in pairs]
            orders.append(2)
    functions = [(l, q) for l, count in enumerate(four_body) for q in range(count)]
    table = _gaunt(len(four_body)) if four_body else {}
    for triple in combinations_with_replacement(functions, 3):
        angular = tuple(l for l, _ in triple)
        a, b, c = (layout.places(l, q) for l, q in triple)
        found = [(len(orders), (a[i], b[j], c[k]), g) for i, j, k, g in table.get(angular, [])]
        if found:
            products += found
            orders.append(3)
    return Couplings(
        np.array([t[0] for t in products]),
        np.array([t[1] for t in products]),
        np.array([t[2] for t in products]),
        np.array(orders),
    )


def _gaunt(size: int) -> dict[tuple[int, ...], list[tuple[int, int, int, float]]]:
    """∫ Y_lm Y_l′m′ Y_l″m″ dΩ/4π for l ≤ l′ ≤ l″ < size, by a quadrature that is exact for their degree."""
    degree = 3 * size
    z, weight = np.polynomial.legendre.leggauss(degree)
    phi = 2 * np.pi * np.arange(2 * degree) / (2 * degree)
    sine = np.sqrt(1 - z**2)
    points = np.stack(
        [np.outer(sine, np.cos(phi)), np.outer(sine, np.sin(phi)), np.outer(z, np.ones_like(phi))], axis=-1
    ).reshape(-1, 3)
    weights = np.repeat(weight, len(phi)) / (2 * len(phi))
    factors = prefactors(size - 1)
    values = np.zeros((len(points), size**2))
    room, gradients = room_for(size), np.zeros((3, size**2))
    for point, row in zip(points, values, strict=True):
        harmonics(point, factors, room, row, gradients)
    table: dict[tuple[int, ...], list[tuple[int, int, int, float]]] = {}
    for angular in combinations_with_replacement(range(size), 3):
        parts = [values[:, l * l : (l + 1) ** 2] for l in angular]
        integral = np.einsum("p,pi,pj,pk->ijk", weights, *parts, optimize=True)
        # Coupled to a vector of length one, so that all invariants are of like size.
        norm = np.linalg.norm(integral)
        if norm > NEGLIGIBLE:
            integral /= norm
            where = np.argwhere(np.abs(integral) > NEGLIGIBLE)
            table[angular] = [(int(i), int(j), int(k), float(integral[i, j, k])) for i, j, k in where]
    return table
