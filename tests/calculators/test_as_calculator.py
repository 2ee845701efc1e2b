"""A potential as a calculator of ASE: it sees the atoms that ASE has, in the cell that they have now."""

import numpy as np
import pytest
from ase.build import bulk, fcc111, molecule
from ase.calculators.calculator import PropertyNotImplementedError
from ase.calculators.emt import EMT
from ase.filters import FrechetCellFilter
from ase.optimize import BFGS
from ase.stress import full_3x3_to_voigt_6_stress

from rfp_md.calculators.as_calculator import PotentialCalculator
from rfp_md.calculators.as_potential import CalculatorPotential
from rfp_md.errors import UserError
from rfp_md.io.atoms import from_atoms
from rfp_md.linalg.differences import central_difference

STRAIN = 1e-3


def rattled(atoms):
    moved = atoms.copy()
    moved.rattle(0.1, seed=0)
    return moved


def with_emt(atoms, reference=None):
    """The atoms with EMT twice: as itself, and through a potential that starts from other atoms."""
    plain, image = atoms.copy(), atoms.copy()
    plain.calc = EMT()
    image.calc = PotentialCalculator(CalculatorPotential(EMT(), from_atoms([reference or atoms])))
    return plain, image


def same(plain, image):
    assert image.get_potential_energy() == pytest.approx(plain.get_potential_energy(), abs=1e-10)
    np.testing.assert_allclose(image.get_forces(), plain.get_forces(), atol=1e-10)
    if plain.cell.rank == 3:
        np.testing.assert_allclose(image.get_stress(), plain.get_stress(), atol=1e-10)


@pytest.mark.parametrize("atoms", [molecule("CH3CH2OH"), bulk("Cu", cubic=True), fcc111("Cu", (1, 1, 3), vacuum=5)])
def test_there_and_back_it_is_the_same_calculator(atoms):
    same(*with_emt(rattled(atoms), atoms))


def test_stretched_copper_is_evaluated_in_its_own_cell():
    reference = bulk("Cu", cubic=True)
    stretched = reference.copy()
    stretched.set_cell(1.05 * reference.cell, scale_atoms=True)
    assert with_emt(stretched, reference)[1].get_potential_energy() == pytest.approx(0.432, abs=1e-3)
    plain, image = with_emt(rattled(stretched), reference)
    same(plain, image)
    # The cell alone, with the atoms where they are: ASE asks anew.
    for atoms in (plain, image):
        atoms.set_cell(atoms.cell @ np.array([[1.02, 0.01, 0], [0, 0.99, 0], [0, 0.03, 1]]))
    same(plain, image)


def test_the_stress_is_the_slope_of_the_energy_with_strain():
    reference = bulk("Cu", cubic=True)
    atoms = rattled(reference)
    atoms.set_cell(atoms.cell @ np.array([[1.05, 0.02, 0], [0, 0.97, 0.01], [0.03, 0, 1.04]]), scale_atoms=True)
    image = with_emt(atoms, reference)[1]

    def slope_along(row, column):
        def energy(steps):
            strain = np.zeros((3, 3))
            strain[row, column] = strain[column, row] = steps * STRAIN / (1 if row == column else 2)
            strained = image.copy()
            strained.calc = image.calc
            strained.set_cell(atoms.cell @ (np.eye(3) + strain), scale_atoms=True)
            return np.array(strained.get_potential_energy())

        return central_difference(energy, STRAIN) / atoms.get_volume()

    found = full_3x3_to_voigt_6_stress(np.array([[slope_along(a, b) for b in range(3)] for a in range(3)]))
    np.testing.assert_allclose(image.get_stress(), found, atol=1e-8)


def test_a_relaxation_of_the_cell_finds_the_lattice_constant():
    atoms = bulk("Cu", cubic=True, a=3.7)
    plain, image = with_emt(atoms, bulk("Cu", cubic=True, a=3.9))
    for found in (plain, image):
        BFGS(FrechetCellFilter(found), logfile=None).run(fmax=1e-4, steps=50)
    np.testing.assert_allclose(image.cell.array, plain.cell.array, atol=1e-6)
    assert abs(image.cell[0, 0] - 3.7) > 0.05


def test_boundaries_are_those_of_the_atoms():
    plain, image = with_emt(bulk("Cu", cubic=True).repeat(2))
    for atoms in (plain, image):
        atoms.pbc = (True, True, False)
    same(plain, image)


def test_other_atoms_are_refused_in_a_sentence():
    image = with_emt(molecule("CO"))[1]
    for wrong in (molecule("CO")[[1, 0]], molecule("H2O")):
        wrong.calc = image.calc
        with pytest.raises(UserError, match=r"the atoms: are \w+, but the potential is for OC in this order; give its"):
            wrong.get_potential_energy()


def test_a_slab_without_a_third_lattice_vector_has_forces_and_no_stress():
    slab = fcc111("Cu", (1, 1, 3))
    assert slab.cell.rank == 2
    plain, image = with_emt(rattled(slab))
    same(plain, image)
    with pytest.raises(PropertyNotImplementedError):
        image.get_stress()
