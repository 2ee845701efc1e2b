"""What is validated: one of our potentials, or any ASE calculator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
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


class ForeignPotential:
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
        if frames.periodic and self._subject.has_stress:
            self.results["stress"] = full_3x3_to_voigt_6_stress(-prediction.virials[0] / self.atoms.get_volume())


def foreign(calculator: str, arguments: Sequence[str], structure: str | Path) -> ForeignPotential:
    """A calculator by the path of its class, on the last structure of a file.

    Raises:
        UserError: there is none, or its atoms have charges or magnetic moments, which a structure here has not.
    """
    last = last_frame(structure)
    _refuse_ions(structure)
    return ForeignPotential(make_calculator(calculator, arguments), last, level_of_theory(calculator, arguments))


def last_frame(structure: str | Path) -> Frames:
    """The last structure of a file, without labels. Raises UserError where it cannot be read."""
    from rfp_md.io import read

    block = read(structure).blocks[-1]
    cells = None if block.cells is None else block.cells[-1:]
    return Frames(block.numbers, block.positions[-1:], cells=cells, pbc=block.pbc, source=str(structure))


def _refuse_ions(structure: str | Path) -> None:
    """Raise UserError for charges and magnetic moments of atoms: without them, an ion would be validated as neutral."""
    from ase.io import read as read_atoms

    from rfp_md.io import read

    last = read(structure).blocks[-1]
    if last.places is None or Path(last.source).suffix == ".npz":
        return
    atoms = read_atoms(last.source, index=int(last.places[-1]), do_not_split_by_at_sign=True)
    given = {"charges": atoms.get_initial_charges(), "magnetic moments": atoms.get_initial_magnetic_moments()}
    if dropped := [name for name, values in given.items() if np.any(values)]:
        raise UserError(
            f"--structure {structure}: has {' and '.join(dropped)} of atoms, which would be dropped; give what the "
            "calculator must know of them with --calculator-arg (such as charge=1), and remove them from the file"
        )


def promised(subject: Subject) -> bool:
    """Whether like atoms may change places; of our models, their descriptors say so."""
    if not isinstance(subject, Potential):
        return True
    return all(descriptor.capabilities.permutation_invariant for descriptor in subject.descriptors)
