import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from rfp_md.descriptors import Descriptor
from rfp_md.descriptors.inverse_distances import InverseDistances
from rfp_md.errors import UserError
from rfp_md.frames import Dataset, Frames
from rfp_md.plugins.arrays import Surroundings
from rfp_md.plugins.guard import restored

STEP = 1e-5  # Å
SEEDS = st.integers(0, 2**32 - 1)


@pytest.fixture(scope="module")
def fitted(ethanol):
    descriptor = InverseDistances()
    descriptor.fit(Dataset((ethanol,)))
    return descriptor


def moved(frames, positions):
    return dataclasses.replace(frames, positions=positions)


def test_ethanol_has_the_twelve_automorphisms_of_its_graph(fitted, ethanol):
    permutations = fitted.state["automorphisms"]
    assert len(permutations) == 12  # 3! of CH3 times 2! of CH2
    assert np.arange(9).tolist() in permutations.tolist()
    for permutation in permutations:
        np.testing.assert_array_equal(ethanol.numbers[permutation], ethanol.numbers)


def test_without_symmetrize_there_is_one_site(ethanol):
    descriptor = InverseDistances(symmetrize=False)
    descriptor.fit(Dataset((ethanol,)))
    assert descriptor.values(ethanol[:2]).shape == (2, 1, 36)


def test_values_are_the_inverse_distances(fitted, ethanol):
    frames = ethanol[:3]
    i, j = np.triu_indices(9, 1)
    expected = 1 / np.linalg.norm(frames.positions[:, i] - frames.positions[:, j], axis=-1)
    np.testing.assert_allclose(fitted.values(frames)[:, 0], expected, rtol=1e-14)


def test_jacobian_agrees_with_central_differences(fitted, ethanol):
    frame = ethanol[:1]
    jacobian = fitted.jacobian(frame)
    for atom, axis in [(0, 0), (2, 1), (8, 2)]:
        step = np.zeros((1, 9, 3))
        step[0, atom, axis] = STEP
        up, down = (fitted.values(moved(frame, frame.positions + sign * step)) for sign in (1, -1))
        np.testing.assert_allclose(jacobian[:, :, :, atom, axis], (up - down) / (2 * STEP), atol=1e-9)


def test_pullback_is_the_product_with_the_jacobian(fitted, ethanol, rng):
    frames = ethanol[:4]
    gradient = rng.normal(size=fitted.values(frames).shape)
    np.testing.assert_allclose(
        fitted.pullback(frames, gradient), Descriptor.pullback(fitted, frames, gradient), atol=1e-13
    )


def test_the_default_jacobian_follows_from_the_pullback(fitted, ethanol):
    np.testing.assert_allclose(Descriptor.jacobian(fitted, ethanol[:2]), fitted.jacobian(ethanol[:2]), atol=1e-14)


@given(seed=SEEDS)
def test_a_rigid_motion_changes_nothing(fitted, ethanol, seed):
    rng = np.random.default_rng(seed)
    turned = Rotation.random(rng=rng).apply(ethanol.positions[0]) + 10 * rng.normal(size=3)
    np.testing.assert_allclose(fitted.values(moved(ethanol[:1], turned[None])), fitted.values(ethanol[:1]), rtol=1e-10)


@given(which=st.integers(0, 11))
def test_relabelling_like_atoms_only_permutes_the_sites(fitted, ethanol, which):
    permutation = fitted.state["automorphisms"][which]
    before = fitted.values(ethanol[:1])[0]
    after = fitted.values(moved(ethanol[:1], ethanol.positions[:1, permutation]))[0]
    np.testing.assert_array_equal(after[np.lexsort(after.T)], before[np.lexsort(before.T)])


def test_input_is_not_changed(fitted, ethanol):
    before = ethanol.positions.copy()
    fitted.values(ethanol), fitted.pullback(ethanol[:2], np.ones((2, 12, 36)))
    np.testing.assert_array_equal(ethanol.positions, before)


def test_coincident_atoms_are_named(fitted, ethanol):
    positions = ethanol.positions[:2].copy()
    positions[1, 5] = positions[1, 2]
    with pytest.raises(UserError, match="atoms 2 and 5 of frame 1 are at the same place"):
        fitted.values(moved(ethanol[:2], positions))


def test_one_atom_is_refused_and_two_are_enough():
    descriptor = InverseDistances()
    with pytest.raises(UserError, match="at least two atoms"):
        descriptor.fit(Dataset((Frames(np.array([2]), np.zeros((3, 1, 3))),)))
    pair = Frames(np.array([1, 1]), np.array([[[0, 0, 0], [0, 0, 0.74]]]))
    descriptor.fit(Dataset((pair,)))
    np.testing.assert_allclose(descriptor.values(pair), 1 / 0.74 * np.ones((1, 2, 1)))


def test_too_many_automorphisms_are_refused_with_the_remedy():
    argon = Frames(np.full(8, 18), 5 * np.random.default_rng(0).normal(size=(1, 8, 3)))
    with pytest.raises(UserError, match=r"more than 200 graph automorphisms.*symmetrize=false"):
        InverseDistances().fit(Dataset((argon,)))


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (np.zeros((2, 3), dtype=np.int64), "automorphisms must be permutations"),
        (np.zeros((0, 3), dtype=np.int64), "automorphisms must be at least one"),
        (np.array([[0, 1, 3]]), "automorphisms has numbers from 0 to 3; they must be at least 0 and at most 2"),
        (np.array([[0, 1, 2, 3]]), "automorphisms has shape .1, 4., but by the model one of these sizes must be 3"),
        (np.array([[0.0, 1.0, 2.0]]), "automorphisms is float64, not int64"),
    ],
)
def test_a_state_that_is_no_permutation_is_refused(array, reason):
    with pytest.raises(ValueError, match=reason):
        restored(InverseDistances(fragment=0), {"automorphisms": array}, Surroundings((1, 8), 3))
