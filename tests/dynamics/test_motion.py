"""The loop of molecular dynamics: what it calls blown up, whose momenta it takes, and that it can be taken up again."""

import json

import numpy as np
import pytest
from ase import units
from ase.build import bulk, molecule
from ase.calculators.emt import EMT
from ase.md.verlet import VelocityVerlet

from rfp_md.calculators.as_calculator import PotentialCalculator
from rfp_md.dynamics.momenta import set_thermal_momenta
from rfp_md.dynamics.motion import WILD, BlownUp, Motion, wild
from rfp_md.io.atoms import to_atoms
from tests.validation.analytic_potentials import diatomic, spring


def warm(atoms, kelvin=300.0, seed=0):
    atoms.calc = EMT()
    set_thermal_momenta(atoms, kelvin, np.random.default_rng(seed))
    return atoms


def advance(motion, steps):
    motion.begin()
    for _ in range(steps):
        motion.advance()


def test_momenta_that_atoms_have_are_kept_and_moved_as_ase_moves_them():
    ours, theirs = warm(molecule("C2H6")), warm(molecule("C2H6"))
    advance(Motion(ours, 0.5), 50)
    VelocityVerlet(theirs, 0.5 * units.fs).run(50)
    np.testing.assert_array_equal(ours.positions, theirs.positions)
    np.testing.assert_array_equal(ours.get_momenta(), theirs.get_momenta())


@pytest.mark.parametrize("friction", [None, 0.02])
def test_what_is_taken_up_again_goes_on_as_if_nothing_had_been(friction):
    def motion(atoms, seed):
        atoms.calc = EMT()
        return Motion(atoms, 1.0, 500.0, friction, seed)

    whole, later = bulk("Cu", cubic=True), bulk("Cu", cubic=True)
    first = motion(whole, 3)
    advance(first, 10)
    state = json.loads(json.dumps(first.state()))
    second = motion(later, 99)
    second.restore(state)
    for _ in range(10):
        first.advance(), second.advance()
    np.testing.assert_array_equal(whole.positions, later.positions)


def test_an_atom_that_goes_far_in_one_step_is_named():
    motion = Motion(warm(molecule("C2H6")), 20.0)
    with pytest.raises(BlownUp, match=r"atom \d moved \d\.?\d* Å at once"):
        advance(motion, 100)


def test_where_the_timestep_is_tested_only_a_run_that_is_wild_has_blown_up():
    """A soft bond may be followed in long steps; a stiff one blows up in them."""

    def moving(stiffness):
        atoms = to_atoms(diatomic(spring(stiffness, 1.13)).reference)
        atoms.calc = PotentialCalculator(diatomic(spring(stiffness, 1.13)))
        set_thermal_momenta(atoms, 12000.0, np.random.default_rng(0))
        motion = Motion(atoms, 40.0, any_timestep=True)
        motion.begin()
        far = 0.0
        for _ in range(100):
            before = atoms.positions.copy()
            motion.advance()
            far = max(far, np.abs(atoms.positions - before).max())
        return far

    assert moving(0.01) > 0.5
    with pytest.raises(BlownUp, match="over 1000 times the kinetic energy of the start"):
        moving(100.0)


def test_a_kinetic_energy_that_is_no_number_is_wild():
    assert wild(np.array([1.0, np.nan, np.inf, 2 * WILD]), 1.0).tolist() == [False, True, True, True]
