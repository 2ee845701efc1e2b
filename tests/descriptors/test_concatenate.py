import numpy as np
import pytest

from rfp_md import plugins
from rfp_md.descriptors.concatenate import Concatenate
from rfp_md.descriptors.inverse_distances import InverseDistances
from rfp_md.descriptors.thesis.angles import Angles
from rfp_md.descriptors.thesis.coulomb_matrix import CoulombMatrix
from rfp_md.errors import UserError
from rfp_md.frames import Dataset
from rfp_md.plugins.arrays import Surroundings
from rfp_md.plugins.guard import restored

TWO_SHALLOW = "shallow_set(size=3)+shallow_set(size=5;seed=1)+coulomb_eigenvalues"
OF = [
    "coulomb_matrix+angles",
    "coulomb_matrix(extensive=true)+coulomb_matrix(extensive=true;diagonal=rupp)",
    "behler_parrinello_pair(centers=1.0)+behler_parrinello_pair(centers=2.0/3.0)",
    "inverse_distances+inverse_distances",
    TWO_SHALLOW,
    "cartesian",
]


def fitted(of, frames):
    descriptor = Concatenate(of=of)
    descriptor.fit(Dataset((frames,)))
    return descriptor


@pytest.mark.parametrize("of", OF)
def test_it_keeps_what_its_parts_declare(of, conforms):
    conforms(Concatenate(of=of))


def test_the_components_stand_side_by_side(ethanol):
    values = fitted("coulomb_matrix(triangle=true; diagonal=rupp) + angles", ethanol[:3]).values(ethanol[:3])
    matrix, angles = CoulombMatrix(triangle=True, diagonal="rupp"), Angles()
    expected = np.concatenate([matrix.values(ethanol[:3]), angles.values(ethanol[:3])], axis=2)
    np.testing.assert_array_equal(values, expected)


def test_it_declares_what_all_parts_keep_and_what_one_part_costs():
    of_both = Concatenate(of="cartesian+coulomb_eigenvalues").capabilities
    assert of_both.differentiable
    assert not of_both.rotation_invariant
    assert not of_both.permutation_invariant
    assert of_both.piecewise
    assert of_both.fixed_composition
    per_atom = Concatenate(of="behler_parrinello_pair+behler_parrinello_pair").capabilities
    assert per_atom.per_atom
    assert not per_atom.fixed_composition
    assert not per_atom.piecewise


def test_each_part_gets_its_own_state_back(ethanol):
    descriptor = fitted(TWO_SHALLOW, ethanol[:20])
    again = Concatenate(**descriptor.model_dump()).restore(dict(descriptor.state))
    assert {key.split(".")[0] for key in descriptor.state} == {"0", "1", "widths", "packages"}
    np.testing.assert_array_equal(again.values(ethanol[20:]), descriptor.values(ethanol[20:]))
    gradient = np.random.default_rng(0).normal(size=(2, 1, 17))
    np.testing.assert_array_equal(again.pullback(ethanol[:2], gradient), descriptor.pullback(ethanol[:2], gradient))


def test_another_fit_forgets_the_first(ethanol):
    descriptor = fitted("shallow_set(projection=sampled;activation=tanh)", ethanol[:20])
    descriptor.fit(Dataset((ethanol[20:40],)))
    expected = fitted(descriptor.of, ethanol[20:40])
    np.testing.assert_array_equal(descriptor.values(ethanol[:2]), expected.values(ethanol[:2]))


def test_a_state_of_other_parts_is_refused(ethanol):
    state = dict(fitted("inverse_distances", ethanol[:5]).state)
    model = Surroundings((1, 6, 8), ethanol.n_atoms)
    with pytest.raises(ValueError, match=r"it lacks 1\.automorphisms"):
        restored(Concatenate(of="inverse_distances+inverse_distances"), state, model)
    del state["0.automorphisms"]
    with pytest.raises(ValueError, match=r"it lacks 0\.automorphisms"):
        restored(Concatenate(of="inverse_distances"), state, model)


@pytest.mark.parametrize("of", ["concatenate+angles", "+".join(["angles"] * 21), "+".join(["concatenate"] * 100_000)])
def test_a_part_that_is_made_of_parts_without_end_is_refused(of):
    with pytest.raises(UserError, match=r"takes other descriptors than itself|more than 20 parts"):
        Concatenate(of=of)


def test_a_part_of_another_version_of_its_package_is_refused(ethanol, monkeypatch):
    of = "coulomb_matrix+inverse_distances(symmetrize=false)"
    state = dict(fitted(of, ethanol[:5]).state)
    monkeypatch.setattr(InverseDistances, "compatible_since", None)
    made = state["packages"].copy()
    made[-1] += 1
    with pytest.raises(UserError, match=r"was made with descriptor 'inverse_distances' of rfp-md 0\.1\.1"):
        Concatenate(of=of).restore(state | {"packages": made})


@pytest.mark.parametrize(
    ("of", "sentence"),
    [
        ("", "of=: '' is neither NAME nor"),
        ("angles+", "of=angles[+]: '' is neither NAME nor"),
        ("angles(", "'angles[(]' is neither NAME nor"),
        ("coulomb_matrix(triangle)", "'coulomb_matrix[(]triangle[)]' is neither NAME nor"),
        ("angels", "no descriptor is named 'angels'; did you mean 'angles'?"),
        ("coulomb_matrix(triangel=true)", "'coulomb_matrix' has no parameter 'triangel'; did you mean 'triangle'?"),
        ("coulomb_matrix(diagonal=none)", "'coulomb_matrix': diagonal=none"),
        ("angles(width=30)", "'angles' has no width of its own; write concatenate:of=…,width=…"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(of, sentence):
    with pytest.raises(UserError, match=sentence):
        plugins.create("descriptor", "concatenate", {"of": of})


@pytest.mark.parametrize(
    "of", ["coulomb_matrix+behler_parrinello_pair", "coulomb_matrix(extensive=true)+behler_parrinello_pair"]
)
def test_parts_with_different_sites_are_refused(of, ethanol):
    sentence = r"'coulomb_matrix' and 'behler_parrinello_pair' have different sites .* give each its own --descriptor"
    with pytest.raises(UserError, match=sentence):
        fitted(of, ethanol[:5])


def test_what_a_part_refuses_is_refused(ethanol):
    with pytest.raises(UserError, match="'angles' needs at least three atoms"):
        fitted("coulomb_matrix+angles", ethanol.__class__(ethanol.numbers[:2], ethanol.positions[:, :2]))
