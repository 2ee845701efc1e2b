"""What a potential says of structures, what a committee says of them, and what every potential answers to."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Protocol

import numpy as np

from rfp_md.arrays import Floats
from rfp_md.frames import Frames


@dataclass(frozen=True, eq=False)
class Prediction:
    """What is said of structures: energies (M,), eV, forces (M, N, 3), eV/Å, and virials −dE/dstrain (M, 3, 3), eV."""

    energies: Floats
    forces: Floats
    virials: Floats

    @property
    def finite(self) -> bool:
        """Whether every number is finite; a sum is so only if all of its terms are, and is quicker to look at."""
        return isfinite(sum(np.add.reduce(part, axis=None) for part in vars(self).values()))


@dataclass(frozen=True, eq=False)
class PerAtom:
    """What each atom has of M structures: energies (M, N), eV, and virials (M, N, 3, 3), eV, which add up to theirs."""

    energies: Floats
    virials: Floats


def free_virials(frames: Frames, forces: Floats) -> Floats:
    """The virials Σ r ⊗ f (M, 3, 3) of free molecules: without a cell, a strain moves the atoms and nothing else."""
    virials: Floats = np.einsum("mix,miy->mxy", frames.positions, forces)
    return virials


class AnyPotential(Protocol):
    """A potential as the checks see it; ``Potential`` is one."""

    @property
    def reference(self) -> Frames:
        """One structure, from which everything starts."""
        ...

    @property
    def has_forces(self) -> bool:
        """Whether forces are known; ``compute`` needs them, ``energies`` does not."""
        ...

    @property
    def has_stress(self) -> bool:
        """Whether virials of periodic structures are known; where they are not, nothing looks at them."""
        ...

    def compute(self, frames: Frames) -> Prediction:
        """Energies, forces and virials of M structures."""
        ...

    def energies(self, frames: Frames) -> Floats:
        """Energies alone (M,), eV."""
        ...


@dataclass(frozen=True, eq=False)
class Spread:
    """Standard deviations of M structures: of the energies (M,), eV, and of the force components (M, N, 3), eV/Å."""

    energies: Floats
    forces: Floats

    @property
    def atoms(self) -> Floats:
        """√ Σ_x σ_x² of each atom's force vector (M, N), eV/Å; it does not depend on how the molecule is turned."""
        atoms: Floats = np.sqrt(np.square(self.forces).sum(axis=2))
        return atoms


@dataclass(frozen=True, eq=False)
class Committee:
    """What P members say: energies (P, M), eV, forces (P, M, N, 3), eV/Å, and virials (P, M, 3, 3), eV."""

    energies: Floats
    forces: Floats
    virials: Floats

    @property
    def mean(self) -> Prediction:
        """What the potential itself predicts, to rounding."""
        return Prediction(self.energies.mean(axis=0), self.forces.mean(axis=0), self.virials.mean(axis=0))

    @property
    def spread(self) -> Spread:
        """The standard deviation √ Σ_p (E_p − Ē)² / (P − 1) of the energies, and that of the force components."""
        return Spread(self.energies.std(axis=0, ddof=1), self.forces.std(axis=0, ddof=1))


def join_committees(parts: list[Committee]) -> Committee:
    """One committee of several whose members are the same, each on structures of its own."""
    if len(parts) == 1:
        return parts[0]
    joined = [np.concatenate([getattr(p, name) for p in parts], axis=1) for name in ("energies", "forces", "virials")]
    return Committee(*joined)
