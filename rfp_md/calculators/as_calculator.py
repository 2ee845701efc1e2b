"""Any potential as an ASE calculator, for ASE's dynamics and relaxations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes

from rfp_md.errors import UserError
from rfp_md.frames import Frames, formula
from rfp_md.io.atoms import from_atoms, stress_of
from rfp_md.prediction import AnyPotential, Prediction


class PotentialCalculator(Calculator):  # type: ignore[misc]
    """Energy (eV), forces (eV/Å) and, in a periodic cell, stress (eV/Å³) of a potential, in the cell that atoms have.

    Raises:
        UserError: atoms that are not the potential's in its order.
    """

    implemented_properties: ClassVar[list[str]] = ["energy", "free_energy", "forces", "stress"]

    def __init__(self, potential: AnyPotential, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._potential = potential

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        """Compute everything of these atoms; ASE calls it where something has changed."""
        super().calculate(atoms, properties, system_changes)
        frames = from_atoms([self.atoms])
        self._check(frames)
        self.results = self._compute(frames)

    def _check(self, frames: Frames) -> None:
        """Raise UserError for other atoms than the potential's."""
        own = self._potential.reference.numbers
        if not np.array_equal(frames.numbers, own):
            raise UserError(
                f"{frames.source}: are {formula(frames.numbers)}, but the potential is for {formula(own)} in this "
                "order; give its own atoms in that order"
            )

    def _compute(self, frames: Frames) -> dict[str, Any]:
        """ASE's results of one structure."""
        return self._results(self._potential.compute(frames))

    def _results(self, prediction: Prediction) -> dict[str, Any]:
        energy = float(prediction.energies[0])
        results = {"energy": energy, "free_energy": energy, "forces": prediction.forces[0]}
        if self._potential.has_stress and (stress := stress_of(prediction.virials[0], self.atoms)) is not None:
            results["stress"] = stress
        return results
