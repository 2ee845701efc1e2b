"""Forces and stresses against differences of energies: the shape of the error tells what is wrong."""

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.tip3p import TIP3P

from rfp_md.calculators.as_potential import CalculatorPotential
from rfp_md.frames import Frames
from rfp_md.io.atoms import from_atoms
from rfp_md.prediction import Prediction
from rfp_md.validation.forces.differences import MOST_COMPONENTS, STEPS, error_curve, stress_error
from rfp_md.validation.forces.smoothness import scan
from tests.validation.analytic_potentials import Molecule, spring, water


def curve_of(potential, factor=1.0):
    frames = potential.reference.at(potential.reference.positions + 0.05)
    frames = frames.at(
        frames.positions + 0.05 * np.random.default_rng(0).standard_normal((2, *frames.positions[0].shape))
    )
    forces = factor * potential.compute(frames).forces
    curve, _ = error_curve(potential, frames, forces, np.random.default_rng(0))
    return np.array([point["max_abs_error_ev_per_angstrom"] for point in curve]), np.abs(forces).max()


class Noisy(Molecule):
    """Energies with a noise of 1e-8 eV, as of a self-consistent field that stops early."""

    def __init__(self):
        plain = water()
        super().__init__(plain.reference.numbers, plain.reference.positions[0], plain.terms)
        self.rng = np.random.default_rng(0)

    def energies(self, frames):
        return super().energies(frames) + 1e-8 * self.rng.standard_normal(len(frames))


@pytest.fixture(scope="module")
def copper():
    atoms = bulk("Cu", cubic=True, a=3.65)
    frames = from_atoms([atoms])
    displaced = frames.at(frames.positions + 0.05 * np.random.default_rng(0).standard_normal((2, 4, 3)))
    potential = CalculatorPotential(EMT(), frames)
    return potential, displaced, potential.compute(displaced)


def test_the_error_of_exact_forces_is_a_v():
    errors, _ = curve_of(water())
    assert errors[0] / errors[1] == pytest.approx(3**4, rel=0.1)  # truncation, h⁴
    assert errors[1] / errors[2] == pytest.approx((10 / 3) ** 4, rel=0.1)
    assert errors[-1] > 3 * errors.min()  # rounding, 1/h
    assert errors.min() < 1e-9


def test_forces_of_another_unit_have_a_floor_that_no_step_gets_under():
    errors, largest = curve_of(water(), factor=1.001)
    assert errors[2:] == pytest.approx(1e-3 / 1.001 * largest, rel=1e-3)


def test_noisy_energies_lift_the_left_arm_only():
    errors, _ = curve_of(Noisy())
    plain, _ = curve_of(water())
    assert errors[0] == pytest.approx(plain[0], rel=0.02)
    smallest = np.array(STEPS[3:])
    # 8/12, 8/12, 1/12, 1/12 of a noise: 0.95 / h as a standard deviation, and the largest of 18.
    assert np.all((errors[3:] * smallest > 1e-8) & (errors[3:] * smallest < 4e-8))


def test_of_large_structures_some_components_are_drawn():
    n = 30
    chain = Molecule(
        [6] * n, 1.5 * np.eye(3)[0] * np.arange(n)[:, None], [(k, k + 1, spring(9.0, 1.4)) for k in range(n - 1)]
    )
    forces = chain.compute(chain.reference).forces
    _, count = error_curve(chain, chain.reference, forces, np.random.default_rng(0))
    assert count == MOST_COMPONENTS
    assert error_curve(water(), water().reference, np.zeros((1, 3, 3)), np.random.default_rng(0))[1] == 9


def test_an_exact_stress_passes(copper):
    potential, frames, prediction = copper
    assert stress_error(potential, frames, prediction.virials) < 1e-9


def test_a_stress_that_is_one_percent_off_is_found_with_its_size(copper):
    potential, frames, prediction = copper
    stresses = np.abs(prediction.virials).max(axis=(1, 2)) / frames.volumes
    assert stress_error(potential, frames, 1.01 * prediction.virials) == pytest.approx(0.01 * stresses.max(), rel=1e-4)


def test_a_stress_of_the_wrong_sign_or_transposed_is_found(copper):
    potential, frames, prediction = copper
    assert stress_error(potential, frames, -prediction.virials) > 1e-2
    assert stress_error(potential, frames, np.roll(prediction.virials, 1, axis=2)) > 1e-3


def test_without_a_cell_there_is_no_figure(copper):
    assert stress_error(water(), water().reference, np.zeros((1, 3, 3))) is None


def test_a_stress_that_is_promised_and_no_number_is_not_taken_for_none(copper):
    potential, frames, prediction = copper
    assert np.isnan(stress_error(potential, frames, np.full_like(prediction.virials, np.nan)))


def test_a_calculator_without_stress_has_none():
    positions = np.concatenate(
        [water().reference.positions[0] * 0.9572 / 0.96 + shift for shift in ([1, 1, 1], [4, 4, 4])]
    )
    frames = Frames(np.array([8, 1, 1] * 2), positions[None], cells=9.0 * np.eye(3)[None], pbc=(True,) * 3)
    potential = CalculatorPotential(TIP3P(rc=4.0), frames)
    prediction = potential.compute(frames)
    assert not potential.has_stress
    assert stress_error(potential, frames, prediction.virials) is None
    assert [path.label for path in scan(potential, quick=True)] == ["one atom"]
    assert isinstance(prediction, Prediction)
    assert np.isfinite(prediction.forces).all()
    assert np.isnan(prediction.virials).all()
