"""Sites: what a descriptor hands to a regressor, with derivatives that are dense or by neighbour."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from rfp_md.arrays import Floats, Ints
from rfp_md.frames import Frames

PIECE = 10_000  # blocks that are asked for at once, where only their sum is wanted


@dataclass(frozen=True, eq=False)
class NeighbourJacobian:
    """The Jacobian of sites that see their surroundings only: the P blocks ∂x_s/∂r_c (D, 3) that are not zero.

    They are sorted by coordinate: those of the coordinate c of structure m, one for each site that it moves, are
    ``offsets[m C + c]`` to ``offsets[m C + c + 1]``. What an atom costs does not depend on how many others there are.

    Attributes:
        sites: the site that each block is of, m S + s (P,).
        offsets: where the blocks of each coordinate begin, and P (M C + 1,).
        blocks: gives a range of the blocks (P', D, 3). It is asked for all of them, piece by piece.
    """

    sites: Ints
    offsets: Ints
    blocks: Callable[[slice], Floats]

    def coordinates_of(self, part: slice) -> Ints:
        """The coordinate m C + c of each block in a range (P',)."""
        return np.asarray(np.searchsorted(self.offsets, np.arange(part.start, part.stop), side="right") - 1)

    def pullback(self, gradient: Floats) -> Floats:
        """dE/d(coordinates) (M, C, 3) of an energy with dE/dx = ``gradient`` (M, S, D)."""
        by_site = gradient.reshape(-1, gradient.shape[2])
        pulled = np.zeros((len(self.offsets) - 1, 3))
        for part in self.pieces():
            product = np.einsum("pd,pdx->px", by_site[self.sites[part]], self.blocks(part))
            np.add.at(pulled, self.coordinates_of(part), product)
        return pulled.reshape(len(gradient), -1, 3)

    def pieces(self) -> list[slice]:
        """Ranges of the blocks that need not much memory."""
        return [slice(k, min(k + PIECE, len(self.sites))) for k in range(0, len(self.sites), PIECE)]

    def dense(self, values: Floats) -> Floats:
        """The Jacobian with all its zeros, (M, S, D, C, 3), for values (M, S, D)."""
        n_frames, n_sites, n_components = values.shape
        n_coordinates = (len(self.offsets) - 1) // n_frames
        everything = slice(0, len(self.sites))
        jacobian = np.zeros((n_frames, n_sites, n_components, n_coordinates, 3))
        structures, coordinates = np.divmod(self.coordinates_of(everything), n_coordinates)
        where: Any = structures, self.sites % n_sites, slice(None), coordinates
        np.add.at(jacobian, where, self.blocks(everything))  # several images of an atom may have a block each
        return jacobian


class Sites:
    """One term of M structures, as its descriptor gives it.

    Attributes:
        values: x (M, S, D).
        types: type of each site (S,).
        by_neighbour: the derivatives of a local descriptor, where they were asked for; of others None.
    """

    def __init__(
        self,
        values: Floats,
        types: Ints,
        jacobian: Floats | None = None,
        *,
        by_neighbour: NeighbourJacobian | None = None,
    ) -> None:
        """Take the values, with derivatives of one of the two kinds or without.

        Args:
            jacobian: dx/d(coordinates) (M, S, D, 3C), the descriptor's (M, S, D, C, 3) with its last axes flat.
        """
        self.values, self.types, self.by_neighbour = values, types, by_neighbour
        self._dense = jacobian

    @cached_property
    def jacobian(self) -> Floats | None:
        """dx/d(coordinates) (M, S, D, 3C), zeros included; None where no derivatives were asked for."""
        if self.by_neighbour is None:
            return self._dense
        return self.by_neighbour.dense(self.values).reshape(*self.values.shape, -1)

    @property
    def jacobian_numbers(self) -> int:
        """How many numbers the derivatives are, as the descriptor gives them."""
        if self.by_neighbour is not None:
            return 3 * int(self.values.shape[2]) * len(self.by_neighbour.sites)
        return 0 if self._dense is None else int(self._dense.size)

    def along(self, directions: Floats) -> Floats:
        """The change dx/dt (M, S, D) where the coordinates move by ``directions`` (M, C, 3) per t."""
        if self.by_neighbour is None:
            flat = directions.reshape(len(directions), -1)
            dense = np.asarray(self._dense)[..., : flat.shape[1]]
            return np.asarray(np.einsum("msdc,mc->msd", dense, flat))
        n_frames, n_sites, n_components = self.values.shape
        near, moves = self.by_neighbour, directions.reshape(-1, 3)
        found = np.zeros((n_frames * n_sites, n_components))
        for part in near.pieces():
            product = np.einsum("pdx,px->pd", near.blocks(part), moves[near.coordinates_of(part)])
            np.add.at(found, near.sites[part], product)
        return found.reshape(self.values.shape)


def n_coordinates(frames: Frames) -> int:
    """The number C of rows of a derivative: the atoms and, in a periodic cell, the three of the strain."""
    return frames.n_atoms + (3 if frames.periodic else 0)
