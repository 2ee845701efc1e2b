"""What the members of a committee say, and how far they are apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rfp_md.frames import Floats
from rfp_md.potential import Prediction


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
    """Energies (P, M) in eV, forces (P, M, N, 3) in eV/Å and virials (P, M, 3, 3) in eV of P members."""

    energies: Floats
    forces: Floats
    virials: Floats

    @property
    def mean(self) -> Prediction:
        """What the potential itself predicts, to rounding."""
        return Prediction(self.energies.mean(axis=0), self.forces.mean(axis=0), self.virials.mean(axis=0))

    @property
    def spread(self) -> Spread:
        """√ Σ_p (E_p − Ē)² / (P − 1), and the same of the force components."""
        return Spread(self.energies.std(axis=0, ddof=1), self.forces.std(axis=0, ddof=1))


def join(parts: list[Committee]) -> Committee:
    """The same members on all structures."""
    if len(parts) == 1:
        return parts[0]
    joined = [np.concatenate([getattr(p, name) for p in parts], axis=1) for name in ("energies", "forces", "virials")]
    return Committee(*joined)
