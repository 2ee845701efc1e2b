"""Any ASE calculator as a potential, so that whatever is asked of a model can be asked of it too."""

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
    """An ASE calculator as a potential: structures are evaluated one after another, each with its own atoms and cell.

    Where it fails at a structure (a field that does not converge), energy, forces and virial are not numbers; where
    it has no stress, a periodic structure's virial is not.

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
        self._calculator = calculator
        atoms = self._atoms(reference, 0)
        try:
            energy_of(atoms), atoms.get_forces()
            self.has_stress = not reference.periodic or _virial(atoms) is not None
        except Exception as error:
            raise UserError(
                f"{name}: failed ({type(error).__name__}: {error}); check --structure and --calculator-arg"
            ) from error

    def compute(self, frames: Frames) -> Prediction:
        """Compute energies, forces and virials of M structures, one after another."""
        shape = frames.positions.shape[1:]
        nothing = np.nan, np.full(shape, np.nan), np.full((3, 3), np.nan)
        parts = [self._one(frames, k, everything_of, nothing) for k in range(len(frames))]
        energies, forces, virials = (np.array(column) for column in zip(*parts, strict=True))
        return Prediction(energies, forces, virials)

    def energies(self, frames: Frames) -> Floats:
        """Compute energies alone (M,), eV."""
        return np.array([self._one(frames, k, energy_of, np.nan) for k in range(len(frames))])

    def _one(self, frames: Frames, k: int, of: Callable[[Atoms], Any], otherwise: Any) -> Any:
        try:
            return of(self._atoms(frames, k))
        except Exception:  # noqa: BLE001 - whatever it raises, it has no answer here
            return otherwise

    def _atoms(self, frames: Frames, k: int) -> Atoms:
        atoms = to_atoms(frames, k)
        atoms.calc = self._calculator
        return atoms


def energy_of(atoms: Atoms) -> float:
    """The energy, eV, that the forces are the gradient of."""
    # Where electrons are smeared, the forces are the gradient of the free energy.
    smeared = "free_energy" in getattr(atoms.calc, "implemented_properties", ())
    return float(atoms.get_potential_energy(force_consistent=smeared))


def everything_of(atoms: Atoms) -> tuple[float, Floats, Floats]:
    """Energy, eV, forces (N, 3), eV/Å, and virial (3, 3), eV, which is not a number where there is no stress."""
    energy, forces = energy_of(atoms), atoms.get_forces()
    virial = _virial(atoms) if atoms.pbc.any() else atoms.positions.T @ forces
    return energy, forces, np.full((3, 3), np.nan) if virial is None else virial


def _virial(atoms: Atoms) -> Floats | None:
    """The virial of a periodic structure (3, 3), eV; None where there is no stress, or the cell has no volume."""
    if atoms.cell.rank < 3:
        return None
    try:
        virial: Floats = -atoms.get_stress(voigt=False) * atoms.get_volume()
    except NotImplementedError:  # of which ASE's PropertyNotImplementedError is one
        return None
    return virial
