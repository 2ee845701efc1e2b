"""Radial two-body functions around every atom."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from rfp_md.arrays import Floats, Ints
from rfp_md.descriptors.base import Capabilities, Descriptor
from rfp_md.descriptors.thesis.coulomb_matrix import atom_pairs
from rfp_md.frames import Frames
from rfp_md.plugins.arrays import Array, Surroundings
from rfp_md.plugins.parameter_types import Numbers, Positive


class BehlerParrinelloPair(Descriptor):
    """G_ic = Σ_{j≠i} exp(−(|r_i − r_j| − R_c)² / σ²), the two-body function of the thesis's eq. 2.28.

    One site for each atom, typed by its element, of one number for each center R_c; the thesis has one
    center, so that its descriptor is one number per atom (to which it adds the constant of j = i). As there,
    neighbours of all elements count alike and nothing is cut off: any molecule, but no periodic cell
    (Behler and Parrinello, Phys. Rev. Lett. 98, 146401 (2007), multiply by a cutoff function).
    """

    name: ClassVar[str] = "behler_parrinello_pair"
    compatible_since: ClassVar[str | None] = "0.1.0"
    capabilities: ClassVar[Capabilities] = Capabilities(
        differentiable=True,
        translation_invariant=True,
        rotation_invariant=True,
        permutation_invariant=True,
        per_atom=True,
    )

    centers: Numbers = Field((1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0), description="R_c, Å")
    sigma: Positive = Field(0.5, description="σ, Å")

    def arrays(self, model: Surroundings) -> dict[str, Array]:
        """It keeps nothing."""
        return {}

    def site_types(self, numbers: Ints) -> Ints:
        """Every atom is a site, typed by its element: the atomic numbers (N,)."""
        return numbers

    def values(self, frames: Frames) -> Floats:
        """G_ic, one number for each atom and each center R_c (M, N, D)."""
        pairs = atom_pairs(frames.n_atoms)
        distances, _ = pairs.separations(frames)
        values: Floats = np.abs(pairs.incidence).T @ self._bells(distances)[0]  # both atoms of a pair see it
        return values

    def jacobian(self, frames: Frames) -> Floats:
        """dG_ic/dr_j (M, N, D, N, 3), 1/Å; that of atom i itself is minus the sum of the others."""
        pairs = atom_pairs(frames.n_atoms)
        distances, apart = pairs.separations(frames)
        push = self._bells(distances)[1][..., None] * (apart / distances[..., None])[:, :, None]  # (M, P, D, 3)
        dense = np.zeros((len(frames), frames.n_atoms, frames.n_atoms, len(self.centers), 3))
        dense[:, pairs.first, pairs.second] = -push  # dG_i/dr_j
        dense[:, pairs.second, pairs.first] = push
        atoms = np.arange(frames.n_atoms)
        dense[:, atoms, atoms] = -dense.sum(axis=2)  # dG_i/dr_i
        return np.ascontiguousarray(dense.transpose(0, 1, 3, 2, 4))

    def pullback(self, frames: Frames, gradient: Floats) -> Floats:
        """dE/dr (M, N, 3) over pairs: both atoms of a pair see its distance."""
        pairs = atom_pairs(frames.n_atoms)
        distances, apart = pairs.separations(frames)
        of_both = gradient[:, pairs.first] + gradient[:, pairs.second]
        by_distance = np.einsum("mpd,mpd->mp", of_both, self._bells(distances)[1])
        return pairs.pull(by_distance, distances, apart)

    def _bells(self, distances: Floats) -> tuple[Floats, Floats]:
        """exp(−(d − R_c)²/σ²) and its derivative (M, P, D) at distances (M, P)."""
        beyond = (distances[..., None] - np.array(self.centers)) / self.sigma
        bells = np.exp(-(beyond**2))
        return bells, -2.0 / self.sigma * beyond * bells
