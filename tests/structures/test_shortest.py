"""Shortest distances over training frames, and structures with atoms far closer than that."""

import dataclasses
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rfp_md.errors import GeometryError
from rfp_md.frames import Dataset, Frames
from rfp_md.structures.neighbours import neighbours
from rfp_md.structures.shortest import FEW_ATOMS, ShortestDistances
from rfp_md.testing.structures import crystal, molecule


def pair(distance, cell=None, numbers=(1, 8), pbc=(True, True, True)):
    """Two atoms in a box, on both sides of its wall where it repeats itself."""
    positions = np.array([[[0.0, 5, 5], [distance, 5, 5]]])
    if cell is not None:
        positions[0, 1, 0] += cell[0]
    cells = None if cell is None else np.diag(cell)[None].astype(float)
    return Frames(np.array(numbers), positions, cells=cells, pbc=pbc if cell else (False, False, False), source="here")


@pytest.mark.parametrize("frames", [molecule(), crystal()], ids=["free", "periodic"])
def test_they_are_those_of_all_pairs(frames):
    known = ShortestDistances.of(Dataset((frames,)))
    near = neighbours(frames, 4.0)
    found = {}
    for z, other, vector in zip(
        frames.numbers[near.centres % frames.n_atoms], frames.numbers[near.atoms], near.vectors, strict=True
    ):
        kind = (min(z, other), max(z, other))
        found[kind] = min(found.get(kind, np.inf), np.linalg.norm(vector))
    shortest = {tuple(p): d for p, d in zip(known.pairs.tolist(), known.distances.tolist(), strict=True)}
    assert shortest == pytest.approx(found)


@pytest.mark.parametrize("cell", [None, (9, 9, 9)], ids=["free", "through an image"])
def test_far_closer_than_in_the_training_is_refused_or_warned_of_once(cell):
    known = ShortestDistances.of(Dataset((pair(0.96, cell),)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        known.check(pair(0.7, cell))
    with pytest.warns(UserWarning, match=r"atoms 0 and 1 \(H–O\) of frame 0 are 0.6 Å apart; .* closer than 0.96 Å"):
        known.check(pair(0.6, cell))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        known.check(pair(0.5, cell))
    with pytest.raises(GeometryError, match=r"here: atoms 0 and 1 .* are 0.31 Å apart; .* overlap"):
        known.check(pair(0.31, cell))


def test_without_training_distances_covalent_radii_stand_for_them():
    with pytest.warns(UserWarning, match="came in the training is not known"):
        ShortestDistances().check(pair(0.5))
    with pytest.raises(GeometryError):
        ShortestDistances().check(pair(0.29))
    with pytest.warns(UserWarning, match="no such atoms came closer than 4 Å"):
        ShortestDistances.of(Dataset((pair(0.96),))).check(pair(0.6, numbers=(8, 8)))


@pytest.mark.parametrize("distance", [0.0, 1e-9, 0.29])
@pytest.mark.parametrize("cell", [None, (9, 9, 9), (9, 9, 0)], ids=["free", "image", "slab"])
def test_training_frames_with_overlaps_are_refused(distance, cell):
    pbc = (True, True, cell is not None and cell[2] > 0)
    good, bad = pair(1.0, cell, pbc=pbc), pair(distance, cell, pbc=pbc)
    frames = dataclasses.replace(
        good,
        positions=np.concatenate([good.positions, bad.positions]),
        cells=None if cell is None else np.concatenate([good.cells, bad.cells]),
        places=np.array([7, 23]),
    )
    with pytest.raises(GeometryError, match="here: atoms 0 and 1 of frame 23 are at the same place"):
        ShortestDistances.of(Dataset((frames,)))


@given(
    seed=st.integers(0, 2**32 - 1),
    pbc=st.tuples(st.booleans(), st.booleans(), st.booleans()),
    skew=st.sampled_from([0.0, 1.0]),
    size=st.sampled_from([2.0, 6.0]),
)
def test_both_ways_to_the_closest_pair_agree(seed, pbc, skew, size):
    rng = np.random.default_rng(seed)
    cell = np.diag(rng.uniform(size, 2 * size, 3)) + np.triu(skew * rng.uniform(-3, 3, (3, 3)), 1)
    n = int(rng.integers(2, 9))
    frames = Frames(
        rng.choice([1, 6], n),
        (rng.uniform(-1, 2, (2, n, 3)) * 2) @ cell,
        cells=np.array([cell, 1.1 * cell]) if any(pbc) else None,
        pbc=pbc,
    )
    known = ShortestDistances(np.array([[1, 1], [1, 6], [6, 6]]), np.array([1.5, 1.0, 1.4]))
    near = neighbours(frames, 1.0)
    scales = np.sqrt(known._scales[frames.numbers[near.centres % n], frames.numbers[near.atoms]])
    ratios = (np.linalg.norm(near.vectors, axis=1) / scales).tolist()
    found = known._closest(frames)[0] ** 0.5
    expected = min(ratios, default=np.inf)
    assert found == pytest.approx(expected) if min(found, expected) < 2 / 3 else True


def test_large_structures_are_looked_at_too(rng):
    n = FEW_ATOMS + 28  # a lattice of them
    grid = np.stack(np.meshgrid(*[np.arange(7)] * 3), axis=-1).reshape(-1, 3)[:n] * 2.0
    frames = Frames(np.full(n, 6), grid[None], source="here")
    known = ShortestDistances.of(Dataset((frames,)))
    assert known.distances.tolist() == [2.0]
    frames.positions[0, 5] = frames.positions[0, 17] + [0.4, 0, 0]
    with pytest.raises(GeometryError, match=r"atoms (5 and 17|17 and 5)"):
        known.check(frames)
