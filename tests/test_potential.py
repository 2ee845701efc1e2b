"""The fitted potential obeys physics."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

import rfp_md
from rfp_md.errors import UserError
from rfp_md.frames import Dataset
from rfp_md.structures.strain import strained

FORCE_TOLERANCE = 1e-8  # eV/Å, rounding of a smooth model with large readouts
SEEDS = st.integers(0, 2**32 - 1)


def test_a_width_that_would_be_ignored_is_refused(ethanol):
    with pytest.raises(UserError, match="regressor 'linear' has no width to choose"):
        rfp_md.train(Dataset((ethanol[:20],)), descriptor=["cartesian:width=5"], regressor="linear")


@given(seed=SEEDS)
def test_forces_turn_with_the_molecule(potential, ethanol, seed):
    rng = np.random.default_rng(seed)
    rotation = Rotation.random(rng=rng)
    frame = ethanol[rng.integers(600)[None]]
    turned = rotation.apply(frame.positions[0]) + rng.normal(size=3)
    before, after = potential.compute(frame), potential.compute(dataclasses.replace(frame, positions=turned[None]))
    assert after.energies[0] == pytest.approx(before.energies[0], abs=1e-8)
    np.testing.assert_allclose(after.forces[0], rotation.apply(before.forces[0]), atol=FORCE_TOLERANCE)


@given(which=st.integers(0, 11), index=st.integers(0, 599))
def test_forces_follow_a_relabelling_of_like_atoms(potential, ethanol, which, index):
    permutation = potential.descriptors[0].state["automorphisms"][which]
    frame = ethanol[index : index + 1]
    before = potential.compute(frame)
    after = potential.compute(dataclasses.replace(frame, positions=frame.positions[:, permutation]))
    assert after.energies[0] == pytest.approx(before.energies[0], abs=1e-8)
    np.testing.assert_allclose(after.forces, before.forces[:, permutation], atol=FORCE_TOLERANCE)


def test_net_force_and_torque_vanish(potential, ethanol):
    forces = potential.compute(ethanol).forces
    np.testing.assert_allclose(forces.sum(axis=1), 0, atol=FORCE_TOLERANCE)
    np.testing.assert_allclose(np.cross(ethanol.positions, forces).sum(axis=1), 0, atol=FORCE_TOLERANCE)


def test_the_virial_is_minus_the_derivative_with_respect_to_strain(potential, ethanol):
    frame, step = ethanol[3:4], 1e-5
    virial = potential.compute(frame).virials[0]
    for a, b in [(0, 0), (1, 2), (2, 0)]:
        strain = np.zeros((3, 3))
        strain[a, b] = step
        up, down = (potential.energies(strained(frame, sign * strain))[0] for sign in (1, -1))
        assert virial[a, b] == pytest.approx(-(up - down) / (2 * step), abs=1e-6)


def test_one_structure_gives_the_same_as_a_batch(potential, ethanol, monkeypatch):
    together = potential.compute(ethanol[:7])
    alone = [potential.compute(ethanol[k : k + 1]).forces[0] for k in range(7)]
    np.testing.assert_allclose(together.forces, alone, atol=FORCE_TOLERANCE)
    monkeypatch.setattr("rfp_md.potential.CHUNK_NUMBERS", 24 * 600)
    np.testing.assert_allclose(potential.compute(ethanol[:7]).forces, alone, atol=FORCE_TOLERANCE)


def test_it_has_learned_something(potential, ethanol):
    unseen = ethanol[400:]
    prediction = potential.compute(unseen)
    assert np.abs(prediction.forces - unseen.forces).mean() < 0.06 * unseen.forces.std()
    assert np.abs(prediction.energies - unseen.energies).mean() < 0.1 * unseen.energies.std()


def test_another_order_of_atoms_is_refused(potential, ethanol):
    shuffled = dataclasses.replace(ethanol[:1], numbers=ethanol.numbers[::-1], source="md.xyz")
    with pytest.raises(UserError, match=r"md.xyz: has atoms H6OC2, but the model was trained on C2OH6 in this order"):
        potential.compute(shuffled)


def test_a_periodic_structure_is_refused(potential, ethanol):
    with pytest.raises(UserError, match="is periodic, but descriptor 'inverse_distances' sees free molecules only"):
        potential.compute(dataclasses.replace(ethanol[:1], pbc=(True, True, True)))


def test_a_model_without_forces_says_so(ethanol):
    energies_only = rfp_md.train(
        Dataset((dataclasses.replace(ethanol[:100], forces=None),)), regressor="rfnn:activation=relu,width=100"
    )
    assert energies_only.energies(ethanol[:2]).shape == (2,)
    with pytest.raises(UserError, match="no forces"):
        energies_only.compute(ethanol[:2])
