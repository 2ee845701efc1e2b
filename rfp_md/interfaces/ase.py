"""ASE calculator.

>>> from rfp_md.interfaces.ase import RFPCalculator
>>> atoms.calc = RFPCalculator("benzene.rfp")
>>> atoms.get_potential_energy()  # eV
>>> atoms.get_forces()            # eV/Å
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from ase.stress import full_3x3_to_voigt_6_stress

from rfp_md.artifact.file import load
from rfp_md.frames import Frames
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


class RFPCalculator(Calculator):  # type: ignore[misc]
    """Energy (eV), forces (eV/Å) and, in a periodic cell, stress (eV/Å³) of a fitted potential.

    Args:
        model: a ``.rfp`` file or a potential.
        committee: whether ``results`` hold what the P members of the model's committee say as well:
            ``energies_committee`` (P,), ``forces_committee`` (P, N, 3) and, in a periodic cell, ``stresses_committee``
            (P, 6); and the standard deviations ``energy_uncertainty``, eV, and ``forces_uncertainty`` (N, 3), eV/Å.

    Raises:
        UserError: the file cannot be read, the model has no committee, the atoms are not the model's, or the first
            ones are in another order.
    """

    implemented_properties: ClassVar[list[str]] = ["energy", "free_energy", "forces", "stress"]

    def __init__(self, model: str | Path | Potential, *, committee: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.potential = model if isinstance(model, Potential) else load(model)
        self.committee = committee
        if committee:
            self.implemented_properties = [*self.implemented_properties, *COMMITTEE]  # type: ignore[misc]
        self._order_is_known = not self.potential.fixed_composition

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        super().calculate(atoms, properties, system_changes)
        periodic = bool(self.atoms.pbc.any())
        frames = Frames(
            numbers=self.atoms.numbers.astype(np.int64),
            positions=self.atoms.positions[None],
            cells=self.atoms.cell.array[None] if periodic else None,
            pbc=tuple(bool(p) for p in self.atoms.pbc),  # type: ignore[arg-type]
            source="the atoms",
        )
        if not self._order_is_known:
            check_labelled_order(self.potential.reference, frames)
            self._order_is_known = True  # later structures follow from the first; bonds may break then
        committee = self.potential.committee(frames) if self.committee else None
        prediction = self.potential.compute(frames) if committee is None else committee.mean
        energy = float(prediction.energies[0])
        self.results = {"energy": energy, "free_energy": energy, "forces": prediction.forces[0]}
        if periodic:
            stress = -prediction.virials[0] / self.atoms.get_volume()
            self.results["stress"] = full_3x3_to_voigt_6_stress(stress)
        if committee is not None:
            self.results |= {
                "energies_committee": committee.energies[:, 0],
                "forces_committee": committee.forces[:, 0],
                "energy_uncertainty": float(committee.spread.energies[0]),
                "forces_uncertainty": committee.spread.forces[0],
            }
            if periodic:
                stresses = -committee.virials[:, 0] / self.atoms.get_volume()
                self.results["stresses_committee"] = full_3x3_to_voigt_6_stress(stresses)
