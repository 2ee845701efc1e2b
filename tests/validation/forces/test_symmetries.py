"""Each figure is the size of the violation that was planted, and of no other."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

import rfp_md
from rfp_md.frames import Dataset, Frames
from rfp_md.prediction import Prediction
from rfp_md.validation.forces import symmetries
from rfp_md.validation.forces.check_forces import check_forces
from tests.validation.analytic_potentials import PairPotential, water


class Tampered:
    """A potential with something added to its energies (M,) and forces (M, N, 3)."""

    has_forces = has_stress = True

    def __init__(self, potential, energies=lambda r: 0.0, forces=lambda r: 0.0):
        self.potential, self.more, self.push = potential, energies, forces
        self.reference = potential.reference

    def compute(self, frames):
        exact = self.potential.compute(frames)
        energies = exact.energies + self.more(frames.positions)
        return Prediction(energies, exact.forces + self.push(frames.positions), exact.virials)

    def energies(self, frames):
        return self.compute(frames).energies


@pytest.fixture
def frames():
    start = water().reference.positions
    return water().reference.at(start + 0.05 * np.random.default_rng(0).standard_normal((3, 3, 3)))


def errors(potential, frames):
    """Every figure, from a fresh generator each."""
    plain = potential.compute(frames)
    found = {
        name: getattr(symmetries, f"{name}_error")(potential, frames, plain, np.random.default_rng(5))
        for name in ("translation", "rotation", "permutation", "repetition")
    }
    return found | {"net_force": symmetries.net_force(plain), "net_torque": symmetries.net_torque(frames, plain)}


def other_than(found, *names):
    return max(value for name, value in found.items() if name not in names)


def test_an_exact_molecule_violates_nothing(frames):
    assert other_than(errors(water(), frames)) < 1e-12


@given(field=st.floats(1e-4, 1.0))
def test_a_uniform_force_is_a_net_force_and_no_torque(field):
    frames = water().reference
    found = errors(Tampered(water(), forces=lambda r: np.array([0, 0, field])), frames)
    assert found["net_force"] == pytest.approx(3 * field)
    assert found["net_torque"] == pytest.approx(0, abs=1e-12)
    assert found["translation"] == pytest.approx(0, abs=1e-12)


def test_a_swirl_is_a_net_torque_and_no_net_force(frames):
    def swirl(r):
        return 0.01 * np.cross([0, 0, 1.0], r - r.mean(axis=1, keepdims=True))

    found = errors(Tampered(water(), forces=swirl), frames)
    arms = frames.positions - frames.positions.mean(axis=1, keepdims=True)
    assert found["net_torque"] == pytest.approx(np.abs(np.cross(arms, swirl(frames.positions)).sum(axis=1)).max())
    assert found["net_force"] == pytest.approx(0, abs=1e-12)


def test_an_energy_that_knows_where_the_molecule_is(frames):
    slope = 1e-3
    found = errors(Tampered(water(), energies=lambda r: slope * r[:, :, 0].mean(axis=1)), frames)
    shifts = symmetries.SHIFT * np.random.default_rng(5).standard_normal((3, 1, 3))
    assert found["translation"] == pytest.approx(slope * np.abs(shifts[:, 0, 0]).max())
    assert other_than(found, "translation", "rotation") < 1e-12


def test_an_energy_that_knows_where_up_is(frames):
    def tilt(r):
        return 1e-3 * (r[:, 1] - r[:, 2])[:, 2] ** 2

    found = errors(Tampered(water(), energies=tilt), frames)
    turn = Rotation.random(rng=np.random.default_rng(5)).as_matrix()
    change = np.abs(tilt(frames.positions @ turn.T) - tilt(frames.positions)).max()
    assert found["rotation"] == pytest.approx(change, rel=1e-6)
    assert other_than(found, "rotation") < 1e-12


def test_a_force_that_does_not_turn_with_the_molecule(frames):
    """A vector that is fixed in space: turned back, it is off by the turn."""
    push = np.zeros((3, 3))
    push[1:, 2] = [0.01, -0.01]
    turn = Rotation.random(rng=np.random.default_rng(5)).as_matrix()
    found = errors(Tampered(water(), forces=lambda r: push), frames)
    assert found["rotation"] == pytest.approx(np.abs(push @ turn - push).max(), rel=1e-6)


def test_an_energy_that_knows_like_atoms_apart(frames):
    def labelled(r):
        return 1e-3 * np.linalg.norm(r[:, 1] - r[:, 0], axis=1)

    found = errors(Tampered(water(), energies=labelled), frames)
    swapped = labelled(frames.positions[:, [0, 2, 1]])
    assert found["permutation"] == pytest.approx(np.abs(swapped - labelled(frames.positions)).max(), rel=1e-6)
    assert other_than(found, "permutation") < 1e-12


def test_an_answer_that_depends_on_how_often_was_asked(frames):
    calls = iter(range(1000))
    potential = Tampered(water(), energies=lambda r: 1e-3 * next(calls))
    plain = potential.compute(frames)
    error = symmetries.repetition_error(potential, frames, plain, np.random.default_rng(0))
    assert error == pytest.approx(1e-3 * 2 * len(frames))  # each structure again, after another one


@pytest.mark.parametrize("what", ["translation", "rotation", "permutation", "repetition"])
def test_an_answer_that_is_no_number_is_not_lost(frames, what):
    """Only the forces, and only the second time: max() would forget it beside a number."""
    calls = iter([0.0] + 100 * [np.nan])
    potential = Tampered(water(), forces=lambda r: next(calls))
    plain = potential.compute(frames)
    error = getattr(symmetries, f"{what}_error")(potential, frames, plain, np.random.default_rng(0))
    assert np.isnan(error)


def test_no_like_atoms_are_nothing_to_permute():
    potential = PairPotential(Frames(np.array([8, 1]), np.array([[[0, 0, 0], [0, 0, 2.5]]])), 5.0)
    plain = potential.compute(potential.reference)
    assert symmetries.permutation_error(potential, potential.reference, plain, np.random.default_rng(0)) is None


def test_a_crystal_has_no_torque():
    crystal = Frames(np.array([29]), np.zeros((1, 1, 3)), cells=3.0 * np.eye(3)[None], pbc=(True, True, True))
    assert symmetries.net_torque(crystal, Prediction(np.zeros(1), np.ones((1, 1, 3)), np.zeros((1, 3, 3)))) is None


def test_the_symmetries_of_a_trained_molecule_hold_and_one_that_was_never_promised_does_not_fail(ethanol, potential):
    assert check_forces(potential, quick=True).permutation_error < 1e-9
    labelled = rfp_md.train(
        Dataset((ethanol[:40],)), descriptor=["inverse_distances:symmetrize=no,fragment=0"], regressor="rfnn:width=40"
    )
    result = check_forces(labelled, quick=True)
    assert result.permutation_error > 1e-3
    assert result.verdict == "pass with warnings"


def test_two_like_atoms_always_change_places(frames):
    plain = water().compute(frames)
    for seed in range(20):
        error = symmetries.permutation_error(water(), frames, plain, np.random.default_rng(seed))
        assert error == pytest.approx(0, abs=1e-12)
