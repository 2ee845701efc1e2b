"""Cells that lack a vector, and structures that no neighbour search is to be asked about."""

import dataclasses
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rfp_md.errors import GeometryError
from rfp_md.frames import Dataset, Frames
from rfp_md.structures.cells import check_geometry, completed
from rfp_md.structures.fingerprints import Fingerprints
from rfp_md.structures.neighbours import MOST_OF_FEW, candidates, neighbours

ALL, SLAB, WIRE = (True, True, True), (True, True, False), (False, True, False)


def atoms(positions, cell=None, pbc=ALL):
    """One structure of hydrogen."""
    positions = np.atleast_2d(np.asarray(positions, dtype=np.float64))
    cells = None if cell is None else np.asarray(cell, dtype=np.float64)[None]
    return Frames(np.ones(len(positions), dtype=np.int64), positions[None], cells=cells, pbc=pbc, source="a file")


def by_hand(frames, cutoff, reach=12):
    """How many neighbours within a cutoff each atom has, over every image within reach."""
    shifts = np.array(list(product(*(range(-reach * p, reach * p + 1) for p in frames.pbc)))) @ frames.cells[0]
    positions = frames.positions[0]
    lengths = np.linalg.norm(positions[None, :, None] + shifts - positions[:, None, None], axis=-1)
    return (lengths < cutoff).sum(axis=(1, 2)) - 1


@given(
    seed=st.integers(0, 2**32 - 1),
    pbc=st.sampled_from([p for p in product((False, True), repeat=3) if any(p)]),
    skew=st.sampled_from([0.0, 0.5, 1.5]),
    left=st.booleans(),
    missing=st.booleans(),
)
def test_neighbours_in_any_cell_are_those_of_every_image(seed, pbc, skew, left, missing):
    rng = np.random.default_rng(seed)
    cell = np.diag(rng.uniform(1.5, 5.0, 3)) + np.triu(skew * rng.uniform(-3, 3, (3, 3)), 1)
    cell = cell @ np.linalg.qr(rng.normal(size=(3, 3)))[0]
    if (np.linalg.det(cell) < 0) != left:
        cell = -cell
    positions = (rng.uniform(size=(4, 3)) + rng.integers(-2, 3, (4, 3)) * pbc) @ cell
    if missing:
        cell = np.where(np.array(pbc)[:, None], cell, 0.0)
    frames = atoms(positions, cell, pbc)
    counts = np.diff(neighbours(frames, 2.5).offsets)
    assert counts.tolist() == by_hand(frames, 2.5).tolist()
    assert candidates(frames, 2.5)[0] >= counts.sum()


def test_the_missing_vector_of_a_slab_stands_upright():
    cell = np.array([[3.0, 0, 0], [1, 3, 0], [0, 0, 0]])
    whole = completed(cell[None], SLAB)[0]
    assert np.array_equal(whole[:2], cell[:2])
    assert np.allclose(whole[2, :2], 0)
    assert abs(whole[2, 2]) > 0.1
    oblique = np.array([[3.0, 0, 0], [1, 3, 0], [1, 2, 30.0]])
    assert np.array_equal(completed(oblique[None], SLAB)[0], oblique)


@pytest.mark.parametrize(
    ("frames", "words"),
    [
        (atoms([0, 0, 0]), "frame 0 is periodic but has no cell"),
        (atoms([0, 0, 0], np.zeros((3, 3))), "frame 0 is periodic but has no cell"),
        (atoms([0, 0, 0], np.diag([5.0, 5, 0])), "along lattice vector 3, which is zero"),
        (atoms([0, 0, 0], np.diag([5.0, 0, 5]), WIRE), "along lattice vector 2, which is zero"),
        (atoms([0, 0, 0], np.ones((3, 3))), "linearly dependent"),
        (atoms([0, 0, 0], np.ones((3, 3)) + 1e-9 * np.eye(3)), "linearly dependent"),
        (atoms([0, 0, 0], [[5, 0, 0], [5e6, 5, 0], [0, 0, 5]]), "beyond 1e\\+06 Å"),
        (atoms([0, 0, 0], [[5, 0, 0], [5e5, 0.5, 0], [0, 0, 5]]), "linearly dependent"),
        (atoms([0, 0, 0], [[1, 0, 0], [2, 0, 0], [0, 0, 5]], SLAB), "linearly dependent"),
        (atoms([0, 0, 0], np.diag([5, 5, 1e160])), "lattice vector 3 of frame 0 is at 1e\\+160 Å"),
        (atoms([0, 0, 0], np.diag([5, 5, 1e160]), SLAB), "beyond 1e\\+06 Å"),
        (atoms([[0, 0, 0], [0, 2e6, 0]], np.eye(3) * 5), "atom 1 of frame 0 is at 2e\\+06 Å"),
        (atoms([[0, 0, 0], [0, 1e200, 0]], pbc=(False, False, False)), "blown up or the unit of length"),
    ],
)
def test_what_is_no_structure_is_said_in_one_sentence(frames, words):
    with pytest.raises(GeometryError, match=f"a file: .*{words}"):
        check_geometry(frames)
    if frames.periodic:
        with pytest.raises(GeometryError, match=words):
            neighbours(frames, 5.0)
        with pytest.raises(GeometryError, match=words):
            Fingerprints.of(Dataset((frames,)))


@pytest.mark.parametrize(
    "frames",
    [
        atoms([0, 0, 0], np.eye(3) * 0.01),
        atoms([0, 0, 0], np.diag([5, 5, 1e-6])),
        atoms([0, 0, 0], [[5, 0, 0], [4e4, 5, 0], [0, 0, 0.02]]),
        atoms(np.zeros((100_000, 3)), pbc=(False, False, False)),
        atoms(0.01 * np.random.default_rng(0).random((100_000, 3)), np.eye(3) * 50),
        atoms([0, 0, 0], np.diag([0.01, 900, 900])),
        atoms([0, 0, 0], np.diag([0.1, 9e5, 9e5])),
        atoms(np.concatenate([70 * np.random.default_rng(0).random((20_000, 3)), [[9e5] * 3]]), pbc=(False,) * 3),
        atoms([0, 0, 0], np.eye(3) * 5, ALL),
    ],
    ids=[
        "small cell",
        "sliver",
        "sheared sliver",
        "one point",
        "a cluster in a cell",
        "a needle",
        "a sheet",
        "one far away",
        "a cutoff of 1e4",
    ],
)
def test_more_pairs_than_can_be_looked_at_are_refused_before_anyone_looks(frames):
    cutoff = 1e4 if frames.periodic and frames.cells[0, 0, 0] == frames.cells[0, 2, 2] == 5 else 5.0
    with pytest.raises(GeometryError, match="than can be looked at"):
        neighbours(frames, cutoff)


def test_large_and_dense_structures_are_not_too_much():
    rng = np.random.default_rng(0)
    diamond = atoms(17.8 * rng.random((1000, 3)), np.eye(3) * 17.8)  # 0.177 atoms/Å³
    assert MOST_OF_FEW < candidates(diamond, 15.0)[0] < 30_000 * 1000
    water = atoms(100 * rng.random((100_000, 3)), np.eye(3) * 100)
    assert candidates(water, 6.0)[0] < 100_000 * 1000


def test_copies_of_slabs_without_a_third_vector_are_known_again(rng):
    cell = np.array([[6.0, 0, 0], [2, 6, 0], [0, 0, 0]])
    frames = atoms(5 * rng.random((5, 3)), cell, SLAB)
    moved = dataclasses.replace(frames, positions=frames.positions + cell[1] + [0.3, 0.1, 4.0])
    one, other = (Fingerprints.of(Dataset((part,))) for part in (frames, moved))
    assert np.allclose(one.labelled, other.labelled)


def test_fingerprints_of_a_large_structure_take_no_more_than_those_of_a_smaller_one(rng):
    frames = atoms(60 * rng.random((3000, 3)), pbc=(False, False, False))
    turned = dataclasses.replace(frames, positions=frames.positions[:, :, [1, 2, 0]] + 2.0)
    one, other = (Fingerprints.of(Dataset((part,))) for part in (frames, turned))
    assert np.allclose(one.labelled, other.labelled)
    assert np.allclose(one.sorted, other.sorted)
