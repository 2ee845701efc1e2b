"""ASE: a fitted potential as a calculator.

>>> from rfp_md.interfaces.ase import RFPCalculator
>>> atoms.calc = RFPCalculator("benzene.rfp")
>>> atoms.get_potential_energy()  # eV
>>> atoms.get_forces()            # eV/Å
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import all_changes

from rfp_md.arrays import Floats
from rfp_md.artifact.file import load
from rfp_md.calculators.as_calculator import PotentialCalculator
from rfp_md.driver.trajectories import JUMP
from rfp_md.frames import Frames
from rfp_md.io.atoms import from_atoms, stress_of
from rfp_md.io.atoms import to_atoms as to_atoms
from rfp_md.potential import Potential
from rfp_md.structures.atom_order import check_labelled_order

COMMITTEE = (
    "energies_committee",
    "forces_committee",
    "stresses_committee",
    "energy_uncertainty",
    "forces_uncertainty",
)
PER_ATOM = ("energies", "stresses")


class RFPCalculator(PotentialCalculator):
    """Energy (eV), forces (eV/Å) and, in a periodic cell, stress (eV/Å³) of a fitted potential.

    A model that is a sum over atoms has their ``energies`` (N,), eV, too, and in a periodic cell their ``stresses``
    (N, 6), eV/Å³, which add up to the stress; they are computed where they are asked for.

    Args:
        model: a ``.rfp`` file or a potential.
        committee: whether ``results`` hold what the P members of the model's committee say as well:
            ``energies_committee`` (P,), ``forces_committee`` (P, N, 3) and, in a periodic cell, ``stresses_committee``
            (P, 6); and the standard deviations ``energy_uncertainty``, eV, and ``forces_uncertainty`` (N, 3), eV/Å.

    Raises:
        UserError: the file cannot be read, the model has no committee, the atoms are not the model's, or they
            are in another order where they do not follow from the last ones.
    """

    def __init__(self, model: str | Path | Potential, *, committee: bool = False, **kwargs: Any) -> None:
        self.potential = model if isinstance(model, Potential) else load(model)
        super().__init__(self.potential, **kwargs)
        self.committee = committee
        if committee:
            self.implemented_properties = [*self.implemented_properties, *COMMITTEE]  # type: ignore[misc]
        if isinstance(self.potential, Potential) and self.potential.has_atoms:
            self.implemented_properties = [*self.implemented_properties, *PER_ATOM]  # type: ignore[misc]
        self._last: Floats | None = None  # positions (N, 3), Å

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        """Compute everything of these atoms, and what each of them has of it where that is asked for."""
        super().calculate(atoms, properties, system_changes)
        if set(PER_ATOM) <= set(self.implemented_properties) and set(properties) & set(PER_ATOM):
            parts = self.potential.per_atom(from_atoms([self.atoms]))
            self.results["energies"] = parts.energies[0]
            if (stresses := stress_of(parts.virials[0], self.atoms)) is not None:
                self.results["stresses"] = stresses

    def _check(self, frames: Frames) -> None:
        """Raise UserError for the model's atoms in another order; of other atoms the model itself says so."""
        if not self.potential.fixed_composition:
            return
        positions, last = frames.positions[0], self._last
        self._last = positions
        # What follows from the last structure is in its order, and its bonds may break; others are looked at.
        if last is None or last.shape != positions.shape or np.abs(positions - last).max() > JUMP:
            self._last = None
            check_labelled_order(self.potential.reference, frames)
            self._last = positions

    def _compute(self, frames: Frames) -> dict[str, Any]:
        if not self.committee:
            return super()._compute(frames)
        committee = self.potential.committee(frames)
        results = self._results(committee.mean) | {
            "energies_committee": committee.energies[:, 0],
            "forces_committee": committee.forces[:, 0],
            "energy_uncertainty": float(committee.spread.energies[0]),
            "forces_uncertainty": committee.spread.forces[0],
        }
        if "stress" in results:
            results["stresses_committee"] = stress_of(committee.virials[:, 0], self.atoms)
        return results
