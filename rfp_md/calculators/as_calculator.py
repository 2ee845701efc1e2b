"""Any potential as an ASE calculator, for ASE's dynamics and relaxations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from ase.stress import full_3x3_to_voigt_6_stress

from rfp_md.prediction import AnyPotential


class PotentialCalculator(Calculator):  # type: ignore[misc]
    """The other way: any potential as an ASE calculator, for ASE's dynamics and relaxations."""

    implemented_properties: ClassVar[list[str]] = ["energy", "free_energy", "forces", "stress"]

    def __init__(self, potential: AnyPotential) -> None:
        super().__init__()
        self._potential = potential

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        super().calculate(atoms, properties, system_changes)
        frames = self._potential.reference.at(self.atoms.positions[None])
        prediction = self._potential.compute(frames)
        energy = float(prediction.energies[0])
        self.results = {"energy": energy, "free_energy": energy, "forces": prediction.forces[0]}
        if frames.periodic and self._potential.has_stress:
            self.results["stress"] = full_3x3_to_voigt_6_stress(-prediction.virials[0] / self.atoms.get_volume())
