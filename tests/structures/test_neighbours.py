import dataclasses

import numpy as np
import pytest
from ase.neighborlist import neighbor_list

from rfp_md.errors import UserError
from rfp_md.io.atoms import to_atoms
from rfp_md.structures.neighbours import FEW_ATOMS, neighbours
from rfp_md.testing.structures import crystal, molecule


def expected(frames, m, cutoff):
    i, j, vectors = neighbor_list("ijD", to_atoms(frames, m), cutoff)
    return {(a, b, *np.round(v, 8)) for a, b, v in zip(i.tolist(), j.tolist(), vectors, strict=True)}


@pytest.mark.parametrize("frames", [molecule(), crystal()], ids=["free", "periodic"])
@pytest.mark.parametrize("cutoff", [2.5, 6.0])
def test_pairs_are_those_of_ase(frames, cutoff):
    near = neighbours(frames, cutoff)
    for m in range(len(frames)):
        mine = np.flatnonzero(near.frames == m)
        found = {
            (near.centres[p] % frames.n_atoms, near.atoms[p], *np.round(near.vectors[p], 8)) for p in mine.tolist()
        }
        assert found == expected(frames, m, cutoff)


def test_large_molecules_go_another_way_to_the_same_pairs(rng):
    numbers = np.ones(FEW_ATOMS + 20, dtype=np.int64)
    frames = dataclasses.replace(molecule(1), numbers=numbers, positions=12 * rng.random((1, len(numbers), 3)))
    near = neighbours(frames, 3.0)
    assert len(near.vectors) == len(expected(frames, 0, 3.0))
    assert (np.diff(near.centres) >= 0).all()


def test_atoms_at_the_same_place_are_named():
    frames = molecule(1)
    frames.positions[0, 3] = frames.positions[0, 1]
    with pytest.raises(UserError, match="atoms 1 and 3 of frame 0 are at the same place"):
        neighbours(frames, 3.0)
