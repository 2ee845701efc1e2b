"""The bonds of a structure, and how far their lengths are off."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rfp_md.frames import Floats, Frames, Ints

SCALE = 1.3  # bonded below that times the sum of covalent radii


@dataclass(frozen=True, eq=False)
class Bonds:
    """B bonds of one structure.

    Attributes:
        pairs: of atoms (B, 2).
        shifts: lattice vectors from the second atom's cell to the first's, (B, 3); zero in a molecule.
        lengths: Å (B,).
    """

    pairs: Ints
    shifts: Floats
    lengths: Floats

    @classmethod
    def of(cls, frames: Frames) -> Bonds:
        """Of the first structure."""
        from ase.data import covalent_radii
        from ase.neighborlist import neighbor_list

        from rfp_md.interfaces.ase import to_atoms

        first, second, shifts = neighbor_list("ijS", to_atoms(frames), SCALE * covalent_radii[frames.numbers])
        once = (first < second) | ((first == second) & (shifts @ [4, 2, 1] > 0))
        pairs = np.stack([first, second], axis=1)[once].astype(np.int64)
        cells = np.zeros((3, 3)) if frames.cells is None else frames.cells[0]
        found = shifts[once] @ cells
        bonds = cls(pairs, found, np.zeros(len(pairs)))
        return cls(pairs, found, bonds.measure(frames.positions[:1])[0])

    def measure(self, positions: Floats) -> Floats:
        """Lengths (M, B), Å, in structures (M, N, 3)."""
        arms = positions[:, self.pairs[:, 1]] - positions[:, self.pairs[:, 0]] + self.shifts
        lengths: Floats = np.sqrt(np.einsum("mbx,mbx->mb", arms, arms))
        return lengths

    def changed(self, other: Bonds) -> int:
        """How many are in one of both only."""
        mine, theirs = (
            {(*pair, *np.round(shift, 3)) for pair, shift in zip(b.pairs.tolist(), b.shifts.tolist(), strict=True)}
            for b in (self, other)
        )
        return len(mine ^ theirs)
