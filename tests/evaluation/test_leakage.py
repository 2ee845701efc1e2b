"""Frames that are known from the training are found, whatever was done to them."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

import rfp_md
from rfp_md.evaluation.leakage import NEAR, audit
from rfp_md.frames import Dataset, Frames
from rfp_md.structures.fingerprints import Fingerprints


def compare(train: Frames, test: Frames):
    return audit(Fingerprints.of(Dataset((train,))), Fingerprints.of(Dataset((test,))))


def test_other_frames_of_a_trajectory_are_no_leak(ethanol):
    found = compare(ethanol[:300], ethanol[300:])
    assert not found.leaks
    assert found.summary == "none found"
    assert found.nearest > NEAR


def test_repeated_frames_are_exact(ethanol):
    found = compare(ethanol[:300], ethanol[280:320])
    assert (found.exact, found.near, found.leaks) == (20, 0, True)
    assert "of 40 frames, 20 repeat a training frame exactly" in found.summary


@given(seed=st.integers(0, 2**32 - 1))
def test_a_frame_that_was_moved_turned_and_relabelled_is_near(ethanol, seed):
    rng = np.random.default_rng(seed)
    order = rng.permutation(9)
    turned = Rotation.random(rng=rng).apply(ethanol.positions[7])[order] + rng.normal(size=3)
    again = Frames(ethanol.numbers[order], turned[None])
    found = compare(ethanol[:20], again)
    assert (found.exact, found.near) == (0, 1)


def test_the_distance_is_about_the_root_mean_square_of_the_distances(ethanol):
    scaled = ethanol.at(ethanol.positions[:1] * 1.01)
    distances = np.linalg.norm(ethanol.positions[0][:, None] - ethanol.positions[0], axis=2)
    expected = 0.01 * np.sqrt((distances[np.triu_indices(9, 1)] ** 2).mean())
    assert compare(ethanol[:1], scaled).nearest == pytest.approx(expected, rel=0.5)


def test_neighbours_in_time_are_adjacent_only_where_steps_are_known(ethanol):
    walk = ethanol.at(ethanol.positions[0] + 0.02 * np.arange(20)[:, None, None] * ethanol.positions[0])
    timed = dataclasses.replace(walk, steps=np.arange(0, 200, 10))
    shifted = dataclasses.replace(walk, steps=np.arange(4, 204, 10))
    far = dataclasses.replace(walk, steps=np.arange(6, 206, 10) + 1000)
    assert compare(walk[:10], walk[10:]).adjacent is None
    assert compare(timed[::2], shifted[::2]).adjacent == 10
    assert compare(timed[::2], shifted[1::2]).adjacent == 0
    assert compare(timed, far).adjacent == 0


def test_equal_steps_of_different_trajectories_are_not_adjacent(ethanol):
    timed = dataclasses.replace(ethanol[:50], steps=np.arange(50))
    other = dataclasses.replace(ethanol[50:100].at(1.3 * ethanol.positions[50:100]), steps=np.arange(50))
    assert compare(timed, other).adjacent == 0


def test_another_molecule_has_no_nearest_frame(ethanol):
    water = Frames(np.array([8, 1, 1]), np.array([[[0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0]]], dtype=float))
    assert compare(ethanol[:5], water).nearest is None


def test_a_periodic_frame_is_known_again_across_the_boundary(rng):
    cell = np.array([[8.0, 0, 0], [1.0, 9, 0], [0, 0, 10]])
    inside = rng.uniform(size=(1, 6, 3)) @ cell
    shifted = inside + rng.integers(-2, 3, (1, 6, 3)) @ cell
    frames = [Frames(np.full(6, 14), x, cells=cell[None], pbc=(True, True, True)) for x in (inside, shifted)]
    assert compare(*frames).near == 1


def test_one_cell_after_the_other_is_no_copy():
    """A single atom in cells of growing size: the positions are always the same."""
    sizes = np.linspace(3.4, 3.9, 20)
    frames = Frames(np.array([29]), np.zeros((20, 1, 3)), cells=sizes[:, None, None] * np.eye(3), pbc=(True,) * 3)
    assert not compare(frames[::2], frames[1::2]).leaks
    assert compare(frames, frames[3:5]).exact == 2


def test_many_neighbours_in_time_leak(ethanol):
    walk = ethanol.at(ethanol.positions[0] + 0.02 * np.arange(20)[:, None, None] * ethanol.positions[0])
    timed = dataclasses.replace(walk, steps=np.arange(20))
    assert compare(timed[::2], timed[1::2]).leaks


def test_snapshots_of_a_crystal_are_no_copies_though_their_sorted_distances_are_alike(data_folder):
    train, test = (rfp_md.read(data_folder / "silicon" / f"si_{part}.xyz") for part in ("train", "test"))
    assert audit(Fingerprints.of(train), Fingerprints.of(test)).near == 0
