"""What is validated: one of our potentials, or any ASE calculator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, PropertyNotImplementedError, all_changes
from ase.stress import full_3x3_to_voigt_6_stress

from rfp_md.calculators import level_of_theory, make_calculator
from rfp_md.errors import UserError
from rfp_md.frames import Floats, Frames
from rfp_md.interfaces.ase import to_atoms
from rfp_md.potential import Potential, Prediction


class Subject(Protocol):
    """A potential as the checks see it; ``Potential`` is one.

    Attributes:
        reference: one structure, from which everything starts.
    """

    @property
    def reference(self) -> Frames: ...

    @property
    def has_forces(self) -> bool: ...

    def compute(self, frames: Frames) -> Prediction:
        """Energies, forces and virials of M structures."""
        ...

    def energies(self, frames: Frames) -> Floats:
        """Energies alone (M,), eV."""
        ...


class ForeignPotential:
    """An ASE calculator as a potential: structures are evaluated one after another.

    Args:
        calculator: of ASE.
        reference: one structure.
        name: what it is called in messages.
    """

    has_forces = True

    def __init__(self, calculator: Any, reference: Frames, name: str = "the calculator") -> None:
        self.reference, self._name = reference, name
        self._atoms = to_atoms(reference)
        self._atoms.calc = calculator

    def compute(self, frames: Frames) -> Prediction:
        """Energies, forces and virials. Raises UserError where the calculator fails."""
        parts = [self._one(frames, k, self._all) for k in range(len(frames))]
        energies, forces, virials = (np.array(column) for column in zip(*parts, strict=True))
        return Prediction(energies, forces, virials)

    def energies(self, frames: Frames) -> Floats:
        """Energies alone. Raises as ``compute``."""
        return np.array([self._one(frames, k, self._energy) for k in range(len(frames))])

    def _one(self, frames: Frames, k: int, of: Callable[[Atoms], Any]) -> Any:
        self._atoms.positions = frames.positions[k]
        if frames.cells is not None:
            self._atoms.cell = frames.cells[k]
        try:
            return of(self._atoms)
        except Exception as error:
            raise UserError(
                f"{self._name}: failed ({type(error).__name__}: {error}); check --structure and --calculator-arg"
            ) from error

    @staticmethod
    def _energy(atoms: Atoms) -> float:
        # Where electrons are smeared, the forces are the gradient of the free energy.
        smeared = "free_energy" in getattr(atoms.calc, "implemented_properties", ())
        return float(atoms.get_potential_energy(force_consistent=smeared))

    def _all(self, atoms: Atoms) -> tuple[float, Floats, Floats]:
        energy, forces = self._energy(atoms), atoms.get_forces(apply_constraint=False)
        if not atoms.pbc.any():
            return energy, forces, atoms.positions.T @ forces
        try:
            virial = -atoms.get_stress(voigt=False) * atoms.get_volume()
        except PropertyNotImplementedError:
            virial = np.full((3, 3), np.nan)
        return energy, forces, virial


class SubjectCalculator(Calculator):  # type: ignore[misc]
    """The other way: any subject as an ASE calculator, for ASE's dynamics and relaxations."""

    implemented_properties: ClassVar[list[str]] = ["energy", "free_energy", "forces", "stress"]

    def __init__(self, subject: Subject) -> None:
        super().__init__()
        self._subject = subject

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        super().calculate(atoms, properties, system_changes)
        frames = self._subject.reference.at(self.atoms.positions[None])
        prediction = self._subject.compute(frames)
        energy = float(prediction.energies[0])
        self.results = {"energy": energy, "free_energy": energy, "forces": prediction.forces[0]}
        if frames.periodic:
            self.results["stress"] = full_3x3_to_voigt_6_stress(-prediction.virials[0] / self.atoms.get_volume())


def foreign(calculator: str, arguments: Sequence[str], structure: str | Path) -> ForeignPotential:
    """A calculator by the path of its class, on the last structure of a file. Raises UserError where there is none."""
    from rfp_md.io import read

    block = read(structure).blocks[-1]
    cells = None if block.cells is None else block.cells[-1:]
    last = Frames(block.numbers, block.positions[-1:], cells=cells, pbc=block.pbc, source=str(structure))
    return ForeignPotential(make_calculator(calculator, arguments), last, level_of_theory(calculator, arguments))


def promised(subject: Subject) -> bool:
    """Whether like atoms may change places; of our models, their descriptors say so."""
    if not isinstance(subject, Potential):
        return True
    return all(descriptor.capabilities.permutation_invariant for descriptor in subject.descriptors)
