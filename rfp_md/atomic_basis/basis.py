"""The one-neighbour functions R_n(|r|) Y_lm(r/|r|) of each element z, and U that combines them to channels q."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rfp_md.arrays import Floats, Ints
from rfp_md.atomic_basis.couplings import ChannelLayout
from rfp_md.atomic_basis.harmonics import prefactors

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
    layout: ChannelLayout

    @classmethod
    def of(
        cls, n_elements: int, n_radial: int, max_angular: int, innermost: float, cutoff: float, channels: int
    ) -> Basis:
        """A basis of so many channels for each l > 0, but not more than there are radial functions of all elements.

        Args:
            innermost: r_0, Å.
        """
        every = n_elements * n_radial
        some = min(channels, every)
        centres = np.geomspace(innermost, cutoff, n_radial + 1)[:-1]
        return cls(cutoff, centres, ChannelLayout((every, *[some] * max_angular)))

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


def principal_mixing(basis: Basis, species: Ints, densities: Floats) -> Floats:
    """U (element of the centre, z, n, channels q of all l): for each l, principal components of D_znlm.

    Their covariance, Σ_i Σ_m D_znlm D_z′n′lm, does not change under rotations, so neither does U's choice.

    Args:
        species: element of each centre (centres,).
        densities: D (centres, z·n, harmonics).
    """
    mixing = np.zeros((basis.n_elements, densities.shape[1], sum(basis.layout.channels)))
    for element in range(basis.n_elements):
        mine, row = densities[species == element], 0
        for l, kept in enumerate(basis.layout.channels):
            part = mine[:, :, l * l : (l + 1) ** 2]
            covariance = np.tensordot(part, part, axes=([0, 2], [0, 2]))
            mixing[element, :, row : row + kept] = np.linalg.eigh(covariance)[1][:, ::-1][:, :kept]
            row += kept
    return mixing.reshape(basis.n_elements, basis.n_elements, len(basis.centres), -1)
