"""Atoms in another order are noticed, and the order is named; unusual geometries are let through."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from rfp_md.errors import UserError
from rfp_md.frames import Frames
from rfp_md.structures.atom_order import check_element_order, check_unlabelled_order, likely_order
from rfp_md.structures.covalent import BONDED_AT_REST
from rfp_md.structures.molecular_graph import bonded

SEEDS = st.integers(0, 2**32 - 1)


@given(seed=SEEDS)
def test_hot_frames_anywhere_are_let_through(ethanol, seed):
    rng = np.random.default_rng(seed)
    positions = ethanol.positions[rng.integers(len(ethanol))]
    check_unlabelled_order(ethanol[:1], Rotation.random(rng=rng).apply(positions) + 5 * rng.normal(size=3))


@given(seed=SEEDS)
def test_the_order_that_is_named_makes_the_same_molecule(ethanol, seed):
    rng = np.random.default_rng(seed)
    order = rng.permutation(9)
    positions = ethanol.positions[rng.integers(len(ethanol))][order]
    distances = np.linalg.norm(positions[:, None] - positions, axis=2)
    bonds = np.argwhere(np.triu(bonded(ethanol[:1], BONDED_AT_REST), 1))
    found = likely_order(ethanol[:1], bonds, distances)
    check_unlabelled_order(ethanol[:1], positions[found])
    np.testing.assert_array_equal(ethanol.numbers[order][found], ethanol.numbers)


@pytest.mark.parametrize("frame", [18, 292])
def test_two_hydrogens_closer_than_two_carbons_do_not_hide_the_order(ethanol, frame):
    order = np.array([3, 1, 4, 0, 8, 2, 7, 5, 6])
    with pytest.raises(UserError, match="its atoms seem to be the model's in the order"):
        check_unlabelled_order(ethanol[:1], ethanol.positions[frame][order])


def test_two_atoms_that_changed_places_are_refused_with_the_bond(ethanol):
    swapped = ethanol.positions[0][[2, 1, 0, 3, 4, 5, 6, 7, 8]]
    with pytest.raises(UserError, match=r"\w+ and \w+ are bonded, but .* Å apart; its atoms seem"):
        check_unlabelled_order(ethanol[:1], swapped)


def test_a_bond_on_its_way_to_another_atom_is_no_wrong_order():
    water = Frames(np.array([8, 1, 1]), np.array([[[0.0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0]]]))
    stretched = water.positions[0].copy()
    stretched[1] *= 1.5
    check_unlabelled_order(water, stretched)
    stretched[1] *= 2
    with pytest.raises(UserError, match=r"O0 and H1 are bonded, but 2\.88 Å apart"):
        check_unlabelled_order(water, stretched)


def test_a_cell_that_is_smaller_than_a_free_molecule_is_refused(ethanol):
    from ase.units import Bohr

    from rfp_md.driver.evaluator import Evaluator
    from rfp_md.driver.protocol import Structures

    positions = ethanol.positions[:1] / Bohr
    for size, fits in ((0.0, True), (40.0, True), (3.0, False)):
        evaluator = Evaluator(ethanol[:1], None, reference=ethanol[:1])
        structures = Structures(size * np.eye(3)[None], positions)
        if fits:
            evaluator.frames(structures)
            continue
        with pytest.raises(UserError, match="cell is smaller than the molecule"):
            evaluator.frames(structures)


def test_the_first_element_out_of_order_is_named_with_what_to_do():
    water = Frames(np.array([8, 1, 1]), np.zeros((1, 3, 3)))
    check_element_order(water, np.array([8, 1, 1]), "the atom with id", "sort them")
    check_element_order(water, np.array([6, 1, 1]), "the atom with id", "sort them")  # the model itself refuses it
    said = "the atom with id 1 is H, but atom 1 of the model is O, for its order is OH2; sort them"
    with pytest.raises(UserError, match=said):
        check_element_order(water, np.array([1, 8, 1]), "the atom with id", "sort them")
