"""Distances of all pairs of atoms of a molecule, and how they change."""

from __future__ import annotations

import numpy as np

from rfp_md.arrays import Floats, Ints
from rfp_md.errors import UserError
from rfp_md.frames import Dataset, Frames

MOST_ATOMS = 400  # of a molecule whose pairs are told apart: the incidence of pairs and atoms is 256 MB then


class AtomPairs:
    """The P = N(N−1)/2 pairs i < j of N atoms.

    Attributes:
        first, second: the atoms of each pair (P,).
        incidence: (P, N), +1 for the first atom of a pair and −1 for the second, so that
            ``incidence @ positions`` are the vectors r_i − r_j.
    """

    def __init__(self, n_atoms: int) -> None:
        """Raises UserError for more atoms than a matrix of pairs and atoms has room for."""
        if n_atoms > MOST_ATOMS:
            raise UserError(
                f"{n_atoms} atoms: a descriptor of all pairs of a molecule takes at most {MOST_ATOMS}; use many_body"
            )
        first, second = np.triu_indices(n_atoms, 1)
        self.first: Ints = first
        self.second: Ints = second
        self.incidence: Floats = np.zeros((len(first), n_atoms))
        self.incidence[np.arange(len(first)), first] = 1.0
        self.incidence[np.arange(len(first)), second] = -1.0

    def separations(self, frames: Frames) -> tuple[Floats, Floats]:
        """|r_i − r_j| (M, P) and r_i − r_j (M, P, 3), Å. Raises UserError if two atoms are at the same place."""
        apart: Floats = self.incidence @ frames.positions
        squared = np.einsum("mpx,mpx->mp", apart, apart)
        if not squared.all():
            frame, pair = np.argwhere(squared == 0)[0]
            raise UserError(
                f"{frames.source}: atoms {self.first[pair]} and {self.second[pair]} of {frames.name(frame)} "
                "are at the same place"
            )
        return np.sqrt(squared), apart

    def chain(self, derivatives: Floats, distances: Floats, apart: Floats) -> Floats:
        """Derivatives of functions of the distances: df/dd (M, P) to df/dr (M, P, N, 3)."""
        units = apart * (derivatives / distances)[..., None]
        return units[:, :, None, :] * self.incidence[None, :, :, None]

    def pull(self, by_distance: Floats, distances: Floats, apart: Floats) -> Floats:
        """dE/dr (M, N, 3) of an energy with dE/dd (M, P): the sum over ``chain`` without it."""
        pulled: Floats = self.incidence.T @ ((by_distance / distances)[..., None] * apart)
        return pulled


def molecule_with_pairs(dataset: Dataset, descriptor: str) -> Frames:
    """All frames as one block, for a descriptor of the pairs of one molecule.

    Raises:
        UserError: more than one composition, or fewer than two atoms.
    """
    block = dataset.one_composition(f"descriptor '{descriptor}'")
    if block.n_atoms < 2:
        raise UserError(f"{block.source}: descriptor '{descriptor}' needs at least two atoms")
    return block
