import numpy as np
import pytest
from ase import Atoms

from rfp_md.errors import UserError
from rfp_md.interfaces.ase import RFPCalculator


def test_the_calculator_gives_the_potential_s_energy_and_forces(model, potential, ethanol):
    atoms = Atoms(ethanol.numbers, ethanol.positions[5], calculator=RFPCalculator(model))
    expected = potential.compute(ethanol[5:6])
    assert atoms.get_potential_energy() == pytest.approx(expected.energies[0])
    assert atoms.get_potential_energy(force_consistent=True) == atoms.get_potential_energy()
    np.testing.assert_allclose(atoms.get_forces(), expected.forces[0])


def test_moved_atoms_are_computed_anew(potential, ethanol):
    atoms = Atoms(ethanol.numbers, ethanol.positions[0], calculator=RFPCalculator(potential))
    before = atoms.get_potential_energy()
    atoms.positions[0, 0] += 0.05
    assert atoms.get_potential_energy() != before


def test_other_atoms_are_refused(potential):
    atoms = Atoms("CO", [[0, 0, 0], [0, 0, 1.1]], calculator=RFPCalculator(potential))
    with pytest.raises(UserError, match="has atoms CO, but the model was trained on C2OH6"):
        atoms.get_potential_energy()
