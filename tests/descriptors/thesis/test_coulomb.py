"""What the conformance kit does not know of the Coulomb matrix and its sorted and spectral forms."""

import dataclasses

import numpy as np
import pytest

import rfp_md
from rfp_md import plugins
from rfp_md.descriptors.thesis.coulomb_eigenvalues import CoulombEigenvalues
from rfp_md.descriptors.thesis.coulomb_matrix import CoulombMatrix
from rfp_md.descriptors.thesis.coulomb_singular_values import CoulombSingularValues
from rfp_md.descriptors.thesis.sorted_coulomb_matrix import SortedCoulombMatrix
from rfp_md.errors import UserError
from rfp_md.frames import Dataset, Frames

SORTED = [CoulombEigenvalues(), CoulombSingularValues(), SortedCoulombMatrix()]


def test_the_entries_follow_equation_2_26(ethanol):
    matrix = CoulombMatrix().values(ethanol[:1]).reshape(9, 9)
    distance = np.linalg.norm(ethanol.positions[0, 0] - ethanol.positions[0, 2])
    assert matrix[0, 2] == matrix[2, 0] == pytest.approx(6 * 8 / distance)
    assert matrix[2, 2] == pytest.approx((8 * 8) ** 0.24)
    assert CoulombMatrix(diagonal="rupp").values(ethanol[:1]).reshape(9, 9)[2, 2] == pytest.approx(0.5 * 8**2.4)


def test_the_triangle_holds_the_same_numbers_once(ethanol):
    whole = CoulombMatrix().values(ethanol[:2]).reshape(2, 9, 9)
    np.testing.assert_array_equal(CoulombMatrix(triangle=True).values(ethanol[:2])[:, 0], whole[:, *np.triu_indices(9)])


def test_the_thesis_s_matrix_is_not_positive_definite(ethanol):
    """Its Theorem 2 needs that."""
    assert CoulombEigenvalues().values(ethanol[:1]).min() < 0


def test_singular_values_are_the_eigenvalues_sizes(ethanol):
    sizes = np.abs(CoulombEigenvalues().values(ethanol[:1]))[0, 0]
    np.testing.assert_allclose(CoulombSingularValues().values(ethanol[:1])[0, 0], np.sort(sizes)[::-1])


@pytest.mark.parametrize("descriptor", SORTED, ids=lambda d: d.name)
def test_any_relabelling_of_like_atoms_changes_nothing(descriptor, ethanol):
    swapped = ethanol.positions[:1, [1, 0, 2, 8, 4, 5, 6, 7, 3]]
    np.testing.assert_allclose(
        descriptor.values(dataclasses.replace(ethanol[:1], positions=swapped)),
        descriptor.values(ethanol[:1]),
        rtol=1e-10,
    )


@pytest.mark.parametrize("descriptor", SORTED, ids=lambda d: d.name)
def test_a_crossing_is_refused_where_a_derivative_is_asked_for(descriptor):
    square = Frames(np.array([1, 1, 1, 1]), np.array([[[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]]]), source="square")
    assert np.isfinite(descriptor.values(square)).all()
    with pytest.raises(UserError, match=rf"square: .* of frame 0 cross, where descriptor '{descriptor.name}'"):
        descriptor.jacobian(square)


def test_a_crossing_names_the_frame_and_the_remedy():
    rng = np.random.default_rng(0)
    square = np.array([[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]])
    positions = np.stack([square + 0.1 * rng.normal(size=(4, 3)), square])
    frames = Frames(np.array([1, 1, 1, 1]), positions, source="squares.xyz")
    with pytest.raises(
        UserError,
        match=r"^squares.xyz: eigenvalues 1 and 2 of frame 1 cross, .*; remove that frame, or use coulomb_matrix or",
    ):
        CoulombEigenvalues().jacobian(frames)


def test_an_eigenvalue_crossing_among_the_training_frames_stops_the_fit():
    """Not a wrong force, nor a traceback."""
    rng = np.random.default_rng(0)
    positions = np.array([[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]]) + 0.05 * rng.normal(size=(12, 4, 3))
    positions[7] = [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]]
    squares = Frames(np.ones(4, dtype=np.int64), positions, np.arange(12.0), np.zeros((12, 4, 3)), source="squares.xyz")
    with pytest.raises(UserError, match=r"^squares.xyz: eigenvalues .* cross, .* 'coulomb_eigenvalues'"):
        rfp_md.train(Dataset((squares,)), descriptor=["coulomb_eigenvalues:width=8"], n_train=10, n_valid=2)


@pytest.mark.parametrize(
    "descriptor",
    [CoulombMatrix(triangle=True), CoulombMatrix(extensive=True), SortedCoulombMatrix(extensive=True)],
    ids=["triangle", "extensive", "sorted extensive"],
)
def test_every_option_keeps_what_it_declares(descriptor, conforms):
    conforms(descriptor)


def test_extensive_gives_each_atom_its_row(ethanol):
    rows = CoulombMatrix(extensive=True)
    np.testing.assert_array_equal(rows.site_types(ethanol.numbers), np.arange(9))
    assert rows.capabilities.per_atom
    assert not CoulombMatrix().capabilities.per_atom
    np.testing.assert_array_equal(rows.values(ethanol[:2]), CoulombMatrix().values(ethanol[:2]).reshape(2, 9, 9))


def test_extensive_rows_of_the_sorted_matrix_are_typed_by_their_place(ethanol):
    rows = SortedCoulombMatrix(extensive=True)
    np.testing.assert_array_equal(rows.site_types(ethanol.numbers), np.arange(9))
    assert not rows.capabilities.per_atom
    values = rows.values(ethanol[:2])
    assert (np.diff(values.sum(axis=2), axis=1) > 0).all()
    np.testing.assert_array_equal(values.reshape(2, 1, 81), SortedCoulombMatrix().values(ethanol[:2]))


def test_a_triangle_has_no_rows_for_the_atoms():
    with pytest.raises(UserError, match=r"^descriptor 'coulomb_matrix': extensive=.*leave out triangle=true$"):
        plugins.create("descriptor", "coulomb_matrix", {"triangle": "true", "extensive": "true"})


@pytest.mark.parametrize(("name", "limit"), [("coulomb_matrix", 0.3), ("coulomb_eigenvalues", 0.8)])
def test_a_conservative_model_learns_with_it(name, limit, ethanol):
    """Nine eigenvalues do not tell a molecule apart from others, so little is learned from them."""
    potential = rfp_md.train(Dataset((ethanol[:200],)), descriptor=[f"{name}:width=600"])
    error = np.abs(potential.compute(ethanol[400:]).forces - ethanol.forces[400:]).mean()
    assert error < limit * ethanol.forces.std()


def test_a_cartesian_model_does_not_turn_with_the_molecule(ethanol):
    potential = rfp_md.train(Dataset((ethanol[:100],)), descriptor=["cartesian:width=200"])
    turned = ethanol.positions[:1] @ np.array([[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]])
    before, after = potential.energies(ethanol[:1]), potential.energies(ethanol[:1].at(turned))
    assert abs(before - after)[0] > 0.1


def test_one_atom_is_refused():
    with pytest.raises(UserError, match="'coulomb_matrix' needs at least two atoms"):
        CoulombMatrix().fit(Dataset((Frames(np.array([2]), np.zeros((1, 1, 3))),)))
