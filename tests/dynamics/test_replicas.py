"""A batch of replicas: each as if it were alone, Newton's motion without its thermostat, Boltzmann's with it."""

import json

import numpy as np
import pytest
from ase import units
from ase.md.verlet import VelocityVerlet

from rfp_md.calculators.as_calculator import PotentialCalculator
from rfp_md.dynamics import replicas
from rfp_md.dynamics.momenta import set_thermal_momenta
from rfp_md.dynamics.replicas import ARRAYS, Replicas
from rfp_md.io.atoms import to_atoms
from tests.validation.analytic_potentials import Molecule, morse, water


def advanced(motion, steps):
    for _ in range(steps):
        motion.advance()
    return motion


def tetrahedron():
    """Four unlike atoms and six Morse bonds, so anharmonic that a thermostat reaches every vibration."""
    corners = 2.2 / np.sqrt(8) * np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    pairs = [(i, j) for j in range(4) for i in range(j)]
    return Molecule([15, 14, 16, 17], corners, [(i, j, morse(2.0, 1.5, 2.2 + 0.1 * (i - j))) for i, j in pairs])


def test_a_replica_of_a_batch_does_what_it_does_alone():
    batch = advanced(Replicas(water(), 3, 0.5, 500.0, seed=4), 200)
    for k in range(3):
        alone = advanced(Replicas(water(), 1, 0.5, 500.0, seed=4 + k), 200)
        np.testing.assert_allclose(batch.positions[k], alone.positions[0], atol=1e-11)
        np.testing.assert_allclose(batch.chain[:, k], alone.chain[:, 0], atol=1e-11)
        assert batch.conserved[k] == pytest.approx(alone.conserved[0], abs=1e-11)


def test_those_that_are_kept_do_not_notice():
    whole = advanced(Replicas(water(), 3, 0.5, 500.0, seed=0), 100)
    some = advanced(Replicas(water(), 3, 0.5, 500.0, seed=0), 50)
    some.keep(np.array([True, False, True]))
    advanced(some, 50)
    assert len(some) == 2
    np.testing.assert_allclose(some.positions, whole.positions[[0, 2]], atol=1e-12)
    np.testing.assert_allclose(some.chain_velocities, whole.chain_velocities[:, [0, 2]], atol=1e-12)


def test_with_a_chain_that_does_not_move_it_is_velocity_verlet(monkeypatch):
    monkeypatch.setattr(replicas, "TAU", 1e12)
    motion = Replicas(water(), 2, 0.5, 500.0, seed=7)
    atoms = to_atoms(water().reference)
    set_thermal_momenta(atoms, 500.0, np.random.default_rng(8))
    atoms.calc = PotentialCalculator(water())
    VelocityVerlet(atoms, 0.5 * units.fs).run(200)
    advanced(motion, 200)
    np.testing.assert_allclose(motion.positions[1], atoms.positions, atol=1e-9)
    np.testing.assert_allclose(motion.velocities[1], atoms.get_velocities(), atol=1e-9)
    assert motion.conserved[1] == pytest.approx(atoms.get_total_energy(), abs=1e-9)


def test_the_conserved_energy_obeys_the_law_of_second_order():
    def fluctuation(timestep):
        motion, found = Replicas(water(), 4, timestep, 500.0, seed=0), []
        for _ in range(round(200 / timestep)):
            motion.advance()
            found.append(motion.conserved)
        return np.std(found, axis=0)

    np.testing.assert_allclose(fluctuation(0.5) / fluctuation(0.25), 4.0, rtol=0.1)


def test_the_energy_alone_is_not_conserved():
    """Else the test above would not see the thermostat."""
    motion, found = Replicas(water(), 1, 0.5, 500.0, seed=0), []
    for _ in range(400):
        motion.advance()
        found.append((motion.energies + motion.kinetic)[0])
    assert np.ptp(found) > 0.01


def test_a_state_goes_through_json_and_on_bit_for_bit():
    whole = advanced(Replicas(water(), 2, 0.5, 500.0, seed=0), 40)
    state = json.loads(json.dumps(advanced(Replicas(water(), 2, 0.5, 500.0, seed=0), 20).state()))
    later = Replicas(water(), 2, 0.5, 500.0, seed=99)
    later.restore(state)
    assert advanced(later, 20).step == 40
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(later, name), getattr(whole, name), err_msg=name)


def test_replicas_start_at_rest_as_a_whole_and_differ():
    motion = Replicas(water(), 3, 0.5, 500.0, seed=0)
    masses = np.array([15.999, 1.008, 1.008])
    np.testing.assert_allclose(np.einsum("n,rnx->rx", masses, motion.velocities), 0, atol=1e-12)
    assert len({tuple(v.ravel()) for v in motion.velocities}) == 3


def test_the_temperature_is_that_of_the_degrees_of_freedom_that_move():
    motion = advanced(Replicas(tetrahedron(), 20, 2.0, 1000.0, seed=0), 500)
    kinetic = []
    for _ in range(500):
        motion.advance()
        kinetic.append(motion.kinetic.mean())
    assert 2 * np.mean(kinetic) / (6 * units.kB) == pytest.approx(1000, rel=0.1)
    assert motion.temperatures == pytest.approx(2 * motion.kinetic / (6 * units.kB))


@pytest.mark.slow
def test_the_kinetic_energy_is_distributed_as_boltzmann_says():
    """Mean N k T / 2 and variance N (k T)² / 2 of N = 6 degrees of freedom, of 100 independent replicas."""
    motion = advanced(Replicas(tetrahedron(), 100, 2.0, 1000.0, seed=0), 4000)
    kinetic = np.array([advanced(motion, 20).kinetic for _ in range(1000)])
    kt, n = 1000 * units.kB, 6
    means, variances = kinetic.mean(axis=0), np.square(kinetic - n * kt / 2).mean(axis=0)
    for values, expected in ((means, n * kt / 2), (variances, n * kt**2 / 2)):
        error = np.std(values) / np.sqrt(len(values))
        assert abs(values.mean() - expected) < 4 * error
        assert error < 0.02 * expected
