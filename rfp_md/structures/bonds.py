"""The bonds of a structure, how far their lengths are off, and what hangs on them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rfp_md.arrays import Floats, Ints
from rfp_md.frames import Frames
from rfp_md.structures.covalent import BONDED, COLLISION, covalent_radii, relative_lengths

# So that a lattice vector, below 500 cells along each axis, is never as good as its opposite.
ONE_OF_TWO = (1e6, 1e3, 1.0)
NONMETALS = [1, 2, 5, 6, 7, 8, 9, 10, 14, 15, 16, 17, 18, 33, 34, 35, 36, 52, 53, 54, 86]  # atomic numbers

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Bonds:
    """B bonds of one structure of N atoms.

    Attributes:
        n_atoms: N.
        pairs: of atoms (B, 2), in ascending order.
        shifts: lattice vectors from the second atom's cell to the first's, (B, 3); zero in a molecule.
        lengths: Å (B,).
    """

    n_atoms: int
    pairs: Ints
    shifts: Floats
    lengths: Floats

    @classmethod
    def of(cls, frames: Frames) -> Bonds:
        """Find the bonds of the first structure: all pairs that are closer than ``BONDED``."""
        first, second, shifts = _near(frames, BONDED)
        once = (first < second) | ((first == second) & (shifts @ ONE_OF_TWO > 0))
        order = np.lexsort((*shifts[once].T, second[once], first[once]))
        pairs = np.stack([first, second], axis=1)[once][order].astype(np.int64)
        cells = np.zeros((3, 3)) if frames.cells is None else frames.cells[0]
        found = shifts[once][order] @ cells
        bonds = cls(frames.n_atoms, pairs, found, np.zeros(len(pairs)))
        return cls(frames.n_atoms, pairs, found, bonds.measure(frames.positions[:1])[0])

    @classmethod
    def of_molecules(cls, frames: Frames) -> Bonds:
        """Find the bonds of the first structure's molecules: connected atoms that reach no periodic image of their own.

        A factor on covalent radii says what a molecule is; in a metal, a salt or a network it says nothing, since the
        next neighbours are as close as it likes. Nor does it of a metal's atom in a cluster or in solution.
        """
        bonds = cls.of(frames)
        places = bonds._unwrapped()
        first, second = bonds.pairs.T
        torn = np.abs(places[first] + bonds.shifts - places[second]).max(axis=1, initial=0.0) > 1e-6
        labels = _components(bonds.matrix)
        inside = ~np.isin(labels[first], labels[first[torn]])
        no_metal = np.isin(frames.numbers[bonds.pairs], NONMETALS).all(axis=1)
        return bonds._chosen(inside & no_metal)

    @property
    def matrix(self) -> Mask:
        """Say which atoms are bonded (N, N)."""
        matrix = np.zeros((self.n_atoms, self.n_atoms), dtype=bool)
        first, second = self.pairs.T
        matrix[first, second] = matrix[second, first] = True
        return matrix

    def measure(self, positions: Floats) -> Floats:
        """Measure the bonds in structures (M, N, 3): lengths (M, B), Å."""
        arms = positions[:, self.pairs[:, 1]] - positions[:, self.pairs[:, 0]] + self.shifts
        lengths: Floats = np.sqrt(np.einsum("mbx,mbx->mb", arms, arms))
        return lengths

    def without(self, other: Bonds) -> Bonds:
        """Leave out the bonds that the other, of the same atoms, has too."""
        mine, theirs = (
            [(*pair, *np.round(shift, 3)) for pair, shift in zip(b.pairs.tolist(), b.shifts.tolist(), strict=True)]
            for b in (self, other)
        )
        known = set(theirs)
        return self._chosen(np.array([bond not in known for bond in mine], dtype=bool))

    def in_ring(self, first: int, second: int) -> bool:
        """Say whether the two ends of a bond hang together without it."""
        labels = self._without(first, second)
        return bool(labels[first] == labels[second])

    def side_of(self, first: int, second: int) -> Mask:
        """Find the atoms that hang on the second end of a bond (N,); in a ring that end alone."""
        labels = self._without(first, second)
        alone = labels[first] == labels[second]
        side: Mask = np.arange(self.n_atoms) == second if alone else labels == labels[second]
        return side

    def _chosen(self, which: Mask) -> Bonds:
        return Bonds(self.n_atoms, self.pairs[which], self.shifts[which], self.lengths[which])

    def _without(self, first: int, second: int) -> Ints:
        """The component of each atom (N,) once a bond is cut."""
        cut = self.matrix
        cut[first, second] = cut[second, first] = False
        return _components(cut)

    def _unwrapped(self) -> Floats:
        """The lattice vector of each atom's image, Å (N, 3), that puts it beside an atom that it is bonded to."""
        neighbours: list[list[tuple[int, Floats]]] = [[] for _ in range(self.n_atoms)]
        for (i, j), shift in zip(self.pairs.tolist(), self.shifts, strict=True):
            neighbours[i].append((j, shift))
            neighbours[j].append((i, -shift))
        places = np.full((self.n_atoms, 3), np.nan)
        for start in range(self.n_atoms):
            if np.isfinite(places[start, 0]):
                continue
            places[start] = 0.0
            to_do = [start]
            while to_do:
                atom = to_do.pop()
                for other, shift in neighbours[atom]:
                    if np.isnan(places[other, 0]):
                        places[other] = places[atom] + shift
                        to_do.append(other)
        return places


def collisions(frames: Frames) -> Mask:
    """Find which of M structures have two atoms in ``COLLISION`` (M,)."""
    if frames.periodic:
        return np.array([len(_near(frames[k : k + 1], COLLISION)[0]) > 0 for k in range(len(frames))], dtype=bool)
    first, second = np.triu_indices(frames.n_atoms, 1)
    arms = frames.positions[:, first] - frames.positions[:, second]
    lengths = np.sqrt(np.einsum("mpx,mpx->mp", arms, arms))
    close = relative_lengths(lengths, frames.numbers[first], frames.numbers[second]) < COLLISION
    return np.asarray(close.any(axis=1))


def _near(frames: Frames, limit: float) -> tuple[Ints, Ints, Ints]:
    """Both ends and the cells between them of all pairs of the first structure that are closer than a limit.

    Each pair is there twice, once from either end; the limit is that of ``relative_lengths``.
    """
    from ase.neighborlist import neighbor_list

    from rfp_md.io.atoms import to_atoms

    first, second, shifts = neighbor_list("ijS", to_atoms(frames), limit * covalent_radii(frames.numbers))
    return first, second, shifts


def _components(matrix: Mask) -> Ints:
    from scipy.sparse.csgraph import connected_components

    labels: Ints = connected_components(matrix, directed=False)[1]
    return labels
