"""What is validated: one of our potentials, or any ASE calculator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from ase import Atoms

from rfp_md.arrays import Floats
from rfp_md.errors import UserError
from rfp_md.frames import Frames
from rfp_md.io.atoms import to_atoms
from rfp_md.prediction import Prediction


class CalculatorPotential:
    """An ASE calculator as a potential: structures are evaluated one after another.

    Where it fails at a structure (a field that does not converge), energy, forces and virial are not numbers.

    Args:
        calculator: of ASE.
        reference: one structure, evaluated at once to see what the calculator can do.
        name: what it is called in messages.

    Attributes:
        has_stress: whether it gives the stress of the reference, if that is periodic.

    Raises:
        UserError: the calculator fails at the reference.
    """

    has_forces = True

    def __init__(self, calculator: Any, reference: Frames, name: str = "the calculator") -> None:
        self.reference = reference
        self._atoms = to_atoms(reference)
        self._atoms.calc = calculator
        self.has_stress = True
        try:
            self._energy(self._atoms), self._atoms.get_forces(apply_constraint=False)
            self.has_stress = self._gives_stress()
        except Exception as error:
            raise UserError(
                f"{name}: failed ({type(error).__name__}: {error}); check --structure and --calculator-arg"
            ) from error

    def compute(self, frames: Frames) -> Prediction:
        """Energies, forces and virials."""
        parts = [self._one(frames, k, self._all) for k in range(len(frames))]
        energies, forces, virials = (np.array(column) for column in zip(*parts, strict=True))
        return Prediction(energies, forces, virials)

    def energies(self, frames: Frames) -> Floats:
        """Energies alone."""
        return np.array([self._one(frames, k, self._energy) for k in range(len(frames))])

    def _gives_stress(self) -> bool:
        try:
            return not self._atoms.pbc.any() or self._atoms.get_stress() is not None
        except NotImplementedError:  # of which ASE's PropertyNotImplementedError is one
            return False

    def _one(self, frames: Frames, k: int, of: Callable[[Atoms], Any]) -> Any:
        self._atoms.positions = frames.positions[k]
        if frames.cells is not None:
            self._atoms.cell = frames.cells[k]
        try:
            return of(self._atoms)
        except Exception:  # noqa: BLE001 - whatever it raises, it has no answer here
            nothing = np.full(frames.positions[k].shape, np.nan), np.full((3, 3), np.nan)
            return (np.nan, *nothing) if of == self._all else np.nan

    @staticmethod
    def _energy(atoms: Atoms) -> float:
        # Where electrons are smeared, the forces are the gradient of the free energy.
        smeared = "free_energy" in getattr(atoms.calc, "implemented_properties", ())
        return float(atoms.get_potential_energy(force_consistent=smeared))

    def _all(self, atoms: Atoms) -> tuple[float, Floats, Floats]:
        energy, forces = self._energy(atoms), atoms.get_forces(apply_constraint=False)
        if not atoms.pbc.any():
            return energy, forces, atoms.positions.T @ forces
        if not self.has_stress:
            return energy, forces, np.full((3, 3), np.nan)
        return energy, forces, -atoms.get_stress(voigt=False) * atoms.get_volume()
