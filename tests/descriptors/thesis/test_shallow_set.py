import dataclasses
from itertools import product

import numpy as np
import pytest

from rfp_md.descriptors import Capabilities
from rfp_md.descriptors.thesis.coulomb_matrix import CoulombMatrix
from rfp_md.descriptors.thesis.shallow_set import ShallowSet
from rfp_md.errors import UserError
from rfp_md.frames import Dataset, Frames
from rfp_md.plugins.arrays import Surroundings
from rfp_md.plugins.guard import restored
from rfp_md.testing.descriptors import DescriptorChecks
from rfp_md.testing.outcomes import CheckFailedError
from rfp_md.testing.structures import molecule, pair

FORMS = ("flattened", "nested", "nested_author")
OPTIONS = list(product(FORMS, ("normal", "relu", "tanh", "gelu")))


def shallow(form, projection, size=12, kind=ShallowSet):
    if projection == "normal":
        return kind(form=form, size=size)
    return kind(form=form, projection="sampled", activation=projection, size=size)


def fitted(descriptor, frames):
    descriptor.fit(Dataset((frames,)))
    return descriptor


def matrix(frames):
    return CoulombMatrix().values(frames).reshape(-1, frames.n_atoms, frames.n_atoms)


class Boastful(ShallowSet):
    """It declares what it does not always keep."""

    @property
    def capabilities(self):
        return dataclasses.replace(super().capabilities, permutation_invariant=True, differentiable=True)


@pytest.mark.parametrize(("form", "projection"), OPTIONS)
def test_every_form_keeps_what_it_declares(form, projection, conforms):
    conforms(shallow(form, projection))


@pytest.mark.parametrize("projection", ["normal", "relu", "tanh", "gelu"])
def test_the_author_s_nested_sets_fail_the_permutation_test(projection):
    assert not shallow("nested_author", projection).capabilities.permutation_invariant
    checks = DescriptorChecks(shallow("nested_author", projection, kind=Boastful), molecule())
    with pytest.raises(CheckFailedError, match="relabelling like atoms changes the set of its sites"):
        checks.permutation()


@pytest.mark.parametrize("projection", ["normal", "relu", "tanh", "gelu"])
def test_the_corrected_nested_sets_pass_the_permutation_test(projection, ethanol):
    descriptor = shallow("nested", projection)
    assert descriptor.capabilities.permutation_invariant
    DescriptorChecks(descriptor, molecule()).permutation()
    values = fitted(descriptor, ethanol[:20]).values(ethanol[:2])
    swapped = ethanol[:2].at(ethanol.positions[:2, [1, 0, 2, 8, 4, 5, 6, 7, 3]])  # no automorphism of the graph
    np.testing.assert_allclose(descriptor.values(swapped), values, rtol=1e-10)


@pytest.mark.parametrize("form", FORMS)
def test_eq_2_47_puts_the_kinks_of_relu_at_the_training_frames(form):
    """Which is why it declares no derivative, though it is right everywhere else."""
    assert not shallow(form, "relu").capabilities.differentiable
    with pytest.raises(CheckFailedError, match="but central differences give"):
        DescriptorChecks(shallow(form, "relu", size=200, kind=Boastful), molecule()).derivative()


def test_a_flattened_set_is_the_mean_over_all_entries(ethanol):
    frame = ethanol[3:4]
    descriptor = fitted(shallow("flattened", "tanh"), ethanol[:20])
    w, b = descriptor.state["weights"][:, 0], descriptor.state["biases"]
    expected = [np.mean([np.tanh(w[k] * c + b[k]) for c in matrix(frame).ravel()]) for k in range(12)]
    np.testing.assert_allclose(descriptor.values(frame)[0, 0], expected)


def test_a_flattened_set_under_a_normal_projection_is_one_number(ethanol):
    descriptor = fitted(shallow("flattened", "normal"), ethanol[:20])
    values = descriptor.values(ethanol[:20])[:, 0]
    assert np.linalg.matrix_rank(values) == 1
    np.testing.assert_allclose(
        values, np.outer(matrix(ethanol[:20]).mean(axis=(1, 2)), descriptor.state["weights"][:, 0])
    )


def test_a_nested_set_is_the_mean_over_sorted_rows(ethanol):
    frame = ethanol[3:4]
    descriptor = fitted(shallow("nested", "gelu"), ethanol[:20])
    alone = fitted(shallow("nested", "normal"), ethanol[:20])
    rows = np.sort(matrix(frame)[0], axis=1)
    np.testing.assert_allclose(alone.values(frame)[0, 0], (rows @ alone.state["weights"].T).mean(axis=0))
    from scipy.special import ndtr

    arguments = rows @ descriptor.state["weights"].T + descriptor.state["biases"]
    np.testing.assert_allclose(descriptor.values(frame)[0, 0], (arguments * ndtr(arguments)).mean(axis=0))


def test_the_author_s_normal_projection_is_of_the_row_sums_for_the_sorting_cancels(ethanol):
    frame = ethanol[3:4]
    descriptor = fitted(shallow("nested_author", "normal"), ethanol[:20])
    columns = np.sort(matrix(frame)[0], axis=1).T
    summed = (columns @ descriptor.state["weights"].T).sum(axis=0)
    np.testing.assert_allclose(descriptor.values(frame)[0, 0], summed)
    np.testing.assert_allclose(summed, descriptor.state["weights"] @ matrix(frame)[0].sum(axis=1))
    assert not descriptor.capabilities.piecewise


def test_the_author_s_sampled_projection_is_of_the_columns_of_sorted_rows(ethanol):
    frame = ethanol[3:4]
    descriptor = fitted(shallow("nested_author", "relu"), ethanol[:20])
    columns = np.sort(matrix(frame)[0], axis=1).T
    arguments = columns @ descriptor.state["weights"].T + descriptor.state["biases"]
    np.testing.assert_allclose(descriptor.values(frame)[0, 0], np.maximum(arguments, 0).mean(axis=0))


def test_normal_weights_have_the_size_that_is_asked_for(ethanol):
    weights = fitted(ShallowSet(size=5000), ethanol[:5]).state["weights"]
    assert weights.shape == (5000, 9)
    assert weights.std() == pytest.approx(0.1, rel=0.02)


def test_a_seed_gives_the_same_weights_and_another_gives_others(ethanol):
    first, again, other = (fitted(ShallowSet(seed=seed), ethanol[:5]).state["weights"] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.01


@pytest.mark.parametrize(
    ("form", "projection", "piecewise"),
    [
        ("flattened", "normal", False),
        ("flattened", "tanh", False),
        ("flattened", "relu", True),
        ("nested", "normal", True),
        ("nested", "tanh", True),
        ("nested_author", "normal", False),
        ("nested_author", "tanh", True),
    ],
)
def test_what_sorts_or_bends_declares_piecewise(form, projection, piecewise):
    expected = Capabilities(
        differentiable=projection != "relu",
        translation_invariant=True,
        rotation_invariant=True,
        permutation_invariant=form != "nested_author",
        fixed_composition=True,
        piecewise=piecewise,
    )
    assert shallow(form, projection).capabilities == expected


def test_the_derivative_of_a_sorted_entry_jumps_where_two_cross():
    """An atom passes the place where it is as far from the first atom as the third is."""

    def slope(x):
        frames = Frames(np.ones(3, dtype=np.int64), np.array([[[0.0, 0, 0], [x, 0, 0], [0, 2, 0]]]))
        return fitted(ShallowSet(size=4), frames).jacobian(frames)[0, 0, :, 1, 0]

    assert np.abs(slope(2 + 1e-7) - slope(2 - 1e-7)).max() > 1e-3
    np.testing.assert_allclose(slope(2.1 + 1e-7), slope(2.1 - 1e-7), atol=1e-6)


def test_equal_entries_of_a_row_are_refused_where_a_derivative_is_asked_for():
    positions = np.array([[[0.0, 0, 0], [1, 0.1, 0], [0, 2, 0]], [[0, 0, 0], [1, 0, 0], [0, 1, 0]]])
    frames = Frames(np.array([8, 1, 1]), positions, source="water.xyz")
    descriptor = fitted(ShallowSet(), frames)
    assert np.isfinite(descriptor.values(frames)).all()
    with pytest.raises(UserError, match=r"^water.xyz: entries of a row \d and \d of frame 1 cross, .* remove that"):
        descriptor.pullback(frames, np.ones((2, 1, 100)))


def test_elements_that_are_all_alike_make_no_pairs():
    hydrogen = pair(0.74)  # two rows, the same when sorted
    with pytest.raises(UserError, match="H2: descriptor 'shallow_set' found no two elements that differ"):
        ShallowSet(projection="sampled").fit(Dataset((hydrogen,)))


@pytest.mark.parametrize("state", [{}, {"weights": np.ones((3, 9)), "biases": np.ones(2)}])
def test_a_state_that_does_not_fit_is_refused(state):
    with pytest.raises(ValueError, match=r"it lacks biases, weights|weights has shape"):
        restored(ShallowSet(size=3), state, Surroundings((1, 8), 3))
