"""The one-neighbour functions φ_qlm(r) = Σ_zn U_ql,zn R_n(|r|) Y_lm(r/|r|), z the neighbour's element."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rfp_md.atomic_basis.couplings import Layout
from rfp_md.atomic_basis.harmonics import prefactors
from rfp_md.frames import Floats, Ints

INNERMOST = 0.8  # Å, centre of the first radial function
OVERLAP = 2.0  # width of a radial function, in distances between neighbouring ones

Arrays = tuple[float, Floats, float, Ints, Floats, int]


@dataclass(frozen=True, eq=False)
class Basis:
    """Radial functions, and how many channels of each l they are combined into.

    Attributes:
        centres: r_n, geometric (n,), Å.
        layout: q_l channels for each l; all of them for l = 0, where single neighbours are told apart.
    """

    cutoff: float
    centres: Floats
    layout: Layout

    @classmethod
    def of(cls, n_elements: int, n_radial: int, max_angular: int, cutoff: float, channels: int | None = None) -> Basis:
        """With ``channels`` for each l > 0; without, every radial function of every element is a channel."""
        every = n_elements * n_radial
        some = every if channels is None else min(channels, every)
        centres = np.geomspace(INNERMOST, cutoff, n_radial + 1)[:-1]
        return cls(cutoff, centres, Layout((every, *[some] * max_angular)))

    @property
    def n_elements(self) -> int:
        """Elements of neighbours: for l = 0, each of them has a channel for each radial function."""
        return self.layout.channels[0] // len(self.centres)

    @cached_property
    def arrays(self) -> Arrays:
        """What the compiled loops take: cutoff, ln r_n, 1/2σ² of ln r, q_l, the harmonics' factors, the size of A."""
        width = OVERLAP * np.log(self.centres[1] / self.centres[0])
        channels = self.layout.channels
        return (
            self.cutoff,
            np.log(self.centres),
            0.5 / width**2,
            np.array(channels),
            prefactors(len(channels) - 1),
            self.layout.size,
        )


def mixing_of_elements(basis: Basis) -> Floats:
    """U (element of the centre, of the neighbour, n, channels of all l) where every z, n is a channel of its own."""
    n_radial, n_elements, every = len(basis.centres), basis.n_elements, basis.layout.channels[0]
    mixing = np.zeros((n_elements, n_elements, n_radial, sum(basis.layout.channels)))
    for z in range(n_elements):
        for n in range(n_radial):
            mixing[:, z, n, z * n_radial + n :: every] = 1.0
    return mixing


def principal_mixing(whole: Basis, wanted: Basis, species: Ints, densities: Floats) -> Floats:
    """The U whose channels are, for each element of the centre and each l, principal components of A_znlm.

    Their covariance, Σ_i Σ_m A_znlm A_z′n′lm, does not change under rotations, so neither does U's choice.

    Args:
        whole: the basis with every z, n as a channel.
        wanted: the basis with the channels that are kept.
        species: element of each centre (centres,).
        densities: A of the whole basis (centres, nA).
    """
    n_radial, n_elements, every = len(whole.centres), whole.n_elements, whole.layout.channels[0]
    mixing = np.zeros((n_elements, n_elements, n_radial, sum(wanted.layout.channels)))
    for element in range(n_elements):
        mine, row = densities[species == element], 0
        for l, kept in enumerate(wanted.layout.channels):
            start = whole.layout.start(l, 0)
            part = mine[:, start : start + every * (2 * l + 1)].reshape(len(mine), every, 2 * l + 1)
            covariance = np.tensordot(part, part, axes=([0, 2], [0, 2]))
            vectors = np.linalg.eigh(covariance)[1][:, ::-1][:, :kept]
            mixing[element, :, :, row : row + kept] = vectors.reshape(n_elements, n_radial, kept)
            row += kept
    return mixing
