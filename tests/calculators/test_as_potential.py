"""Somebody else's calculator as a potential."""

import json

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.calculators.calculator import Calculator
from ase.calculators.emt import EMT
from ase.io import write

from rfp_md.calculators.as_potential import CalculatorPotential
from rfp_md.errors import UserError
from rfp_md.frames import Frames
from rfp_md.io.atoms import from_atoms
from rfp_md.validation import record
from rfp_md.validation.forces.check_forces import check_forces
from rfp_md.validation.geometry.check_geometry import check_geometry
from rfp_md.validation.stability.check_stability import check_stability
from rfp_md.validation.under_test import foreign


def of(atoms):
    return from_atoms([atoms])


def rattled(atoms, count=3):
    frames = of(atoms)
    return frames.at(frames.positions + 0.1 * np.random.default_rng(0).standard_normal((count, len(atoms), 3)))


class Smeared(Calculator):
    """Energy and free energy differ, as with smeared electrons; the forces belong to the latter."""

    implemented_properties = ("energy", "free_energy", "forces")

    def calculate(self, atoms, properties, changes):
        super().calculate(atoms, properties, changes)
        x = self.atoms.positions
        self.results = {"energy": 1.0 + (x**2).sum(), "free_energy": (x**2).sum(), "forces": -2 * x}


@pytest.mark.parametrize("atoms", [molecule("CH3CH2OH"), bulk("Cu", cubic=True)])
def test_a_calculator_gives_what_it_gives_in_ase(atoms):
    frames = rattled(atoms)
    prediction = CalculatorPotential(EMT(), of(atoms)).compute(frames)
    for k, positions in enumerate(frames.positions):
        image = Atoms(atoms.numbers, positions, cell=atoms.cell, pbc=atoms.pbc, calculator=EMT())
        assert prediction.energies[k] == pytest.approx(image.get_potential_energy())
        np.testing.assert_allclose(prediction.forces[k], image.get_forces(), atol=1e-12)
        if atoms.pbc.any():
            expected = -image.get_stress(voigt=False) * image.get_volume()
        else:
            expected = positions.T @ image.get_forces()
        np.testing.assert_allclose(prediction.virials[k], expected, atol=1e-10)


def test_every_structure_has_its_own_cell():
    atoms = bulk("Cu", cubic=True)
    frames = of(atoms)
    cells = np.array([1.0, 1.05])[:, None, None] * atoms.cell.array
    two = Frames(frames.numbers, np.repeat(frames.positions, 2, axis=0), cells=cells, pbc=frames.pbc)
    energies = CalculatorPotential(EMT(), frames).energies(two)
    assert energies[0] == pytest.approx(CalculatorPotential(EMT(), frames).energies(frames)[0])
    assert abs(energies[1] - energies[0]) > 1e-3


def test_the_energy_is_the_one_that_the_forces_belong_to():
    atoms = Atoms("H2", [[0, 0, 0], [0, 0, 0.7]])
    subject = CalculatorPotential(Smeared(), of(atoms))
    assert subject.compute(of(atoms)).energies[0] == subject.energies(of(atoms))[0] == pytest.approx(0.49)


def test_structures_with_other_boundaries_or_atoms_than_the_reference_are_what_they_are():
    crystal, free = bulk("Cu", cubic=True), molecule("CH3CH2OH")
    subject = CalculatorPotential(EMT(), of(crystal))
    for atoms in (free, crystal.repeat((1, 1, 2)), free, crystal):
        atoms.rattle(0.05, seed=1)
        plain = atoms.copy()
        plain.calc = EMT()
        prediction = subject.compute(of(atoms))
        assert prediction.energies[0] == pytest.approx(plain.get_potential_energy(), abs=1e-10)
        np.testing.assert_allclose(prediction.forces[0], plain.get_forces(), atol=1e-10)


class Stressless(EMT):
    """A calculator of a crystal that knows no stress."""

    implemented_properties = ("energy", "energies", "free_energy", "forces")


def test_only_the_stress_is_unknown_of_a_crystal_where_the_reference_was_a_molecule():
    subject = CalculatorPotential(Stressless(), of(molecule("CH3CH2OH")))
    assert subject.has_stress
    prediction = subject.compute(of(bulk("Cu", cubic=True)))
    assert np.isfinite(prediction.energies).all()
    assert np.isfinite(prediction.forces).all()
    assert np.isnan(prediction.virials).all()
    assert not CalculatorPotential(Stressless(), of(bulk("Cu", cubic=True))).has_stress


def test_a_calculator_that_fails_is_named_in_a_sentence():
    with pytest.raises(UserError, match=r"emt: failed \(NotImplementedError: No EMT-potential for Si\); check"):
        CalculatorPotential(EMT(), of(Atoms("Si")), "emt")


class Unconverged(EMT):
    """Gives up on stretched bonds."""

    def calculate(self, atoms, *rest):
        if atoms.get_distance(0, 1) > 1.3:
            raise RuntimeError("SCF not converged")
        super().calculate(atoms, *rest)


def test_a_calculator_that_fails_later_fails_the_checks_and_is_no_bad_input():
    atoms = Atoms("CO", [[0, 0, 0], [0, 0, 1.13]])
    subject = CalculatorPotential(Unconverged(), of(atoms))
    far = of(Atoms("CO", [[0, 0, 0], [0, 0, 1.4]]))
    assert np.isnan(subject.energies(far)).all()
    assert np.isnan(subject.compute(far).forces).all()
    assert np.isfinite(subject.compute(of(atoms)).forces).all()
    result = check_forces(subject, quick=True)
    assert np.isnan(result.energy_jump_ev)
    assert not result.passed
    stability = check_stability(subject, length=0.5, replicas=2, temperature=3000.0)
    assert {event.why for event in stability.breaks} == {"forces"}
    found = [check.as_dict() for check in (result, stability, check_geometry(subject))]
    json.dumps(record.plain(found), allow_nan=False)


@pytest.mark.parametrize("name", ["charges", "magnetic_moments"])
def test_an_ion_is_validated_as_neutral(tmp_path, name):
    images = [bulk("Cu", cubic=True) for _ in range(3)]
    getattr(images[1], f"set_initial_{name}")([1.0, 0, 0, 0])
    getattr(images[2], f"set_initial_{name}")([0.0] * 4)
    write(tmp_path / "ion.extxyz", images)
    said = f"ion.extxyz@:2: has {name.replace('_', ' ')} of atoms, which would be dropped; .* charge=1"
    with pytest.raises(UserError, match=said):
        foreign("ase.calculators.emt:EMT", [], f"{tmp_path / 'ion.extxyz'}@:2")
    assert foreign("ase.calculators.emt:EMT", [], tmp_path / "ion.extxyz").reference.n_atoms == 4


def test_everything_starts_from_the_last_frame_of_the_file(tmp_path):
    images = [bulk("Cu", cubic=True, a=a) for a in (3.6, 3.7)]
    write(tmp_path / "two.extxyz", images)
    subject = foreign("ase.calculators.emt:EMT", [], tmp_path / "two.extxyz")
    assert len(subject.reference) == 1
    assert subject.reference.cells[0, 0, 0] == pytest.approx(3.7)
    assert subject.reference.periodic
