import dataclasses
from math import exp, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rfp_md import plugins
from rfp_md.descriptors.thesis.coulomb_matrix import CoulombMatrix
from rfp_md.descriptors.thesis.pair_kernel import PairKernel
from rfp_md.errors import UserError
from rfp_md.frames import Dataset, Frames

# A right triangle with sides 1, 2 and √5.
TRIANGLE = Frames(np.array([8, 1, 1]), np.array([[[1.0, 0, 0], [1, 1, 0], [3, 0, 0]]]), source="triangle")
KERNELS = [
    PairKernel(kernel="linear"),
    PairKernel(kernel="polynomial", beta=-2.0, gamma=-1.5),
    PairKernel(kernel="polynomial", gamma=2.0),
    PairKernel(kernel="squared_exponential"),
    PairKernel(kernel="gamma_exponential", gamma=1.3, alpha=3.0),
]


@pytest.mark.parametrize("descriptor", KERNELS, ids=lambda d: f"{d.kernel}{d.gamma}")
def test_every_kernel_keeps_what_it_declares(descriptor, conforms):
    conforms(descriptor)


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"kernel": "linear"}, [1, 1, 3, 2, 3, 9]),
        ({"kernel": "polynomial", "beta": 3.0, "gamma": 2.0}, [3, 12, 15]),
        (
            {"kernel": "squared_exponential", "alpha": 2.0, "sigma": 1.5},
            [2 * exp(-1 / 2.25), 2 * exp(-4 / 2.25), 2 * exp(-5 / 2.25)],
        ),
        (
            {"kernel": "gamma_exponential", "sigma": 2.0, "gamma": 0.5},
            [exp(-sqrt(0.5)), exp(-1), exp(-sqrt(sqrt(5) / 2))],
        ),
    ],
    ids=lambda value: value["kernel"] if isinstance(value, dict) else "",
)
def test_the_entries_follow_table_3_1(parameters, expected):
    np.testing.assert_allclose(PairKernel(**parameters).values(TRIANGLE)[0, 0], expected)


def test_the_linear_kernel_turns_with_the_molecule_but_does_not_move_with_it(ethanol):
    linear, frame = PairKernel(kernel="linear"), ethanol[:1]
    assert not linear.capabilities.translation_invariant
    shifted = linear.values(dataclasses.replace(frame, positions=frame.positions + 1.0))
    assert np.abs(shifted - linear.values(frame)).max() > 1.0


def test_the_coulomb_matrix_without_charges_is_a_polynomial_kernel():
    hydrogens = dataclasses.replace(TRIANGLE, numbers=np.array([1, 1, 1]))
    matrix = CoulombMatrix().values(hydrogens).reshape(3, 3)
    np.testing.assert_allclose(
        PairKernel(kernel="polynomial", gamma=-1.0).values(hydrogens)[0, 0], matrix[*np.triu_indices(3, 1)]
    )


@given(gamma=st.floats(-3, 3).filter(bool), direction=st.integers(0, 2**32 - 1))
def test_the_derivative_is_right_for_any_power(gamma, direction):
    descriptor, h = PairKernel(kernel="polynomial", gamma=gamma), 1e-5
    step = np.random.default_rng(direction).normal(size=(1, 3, 3))
    ends = [descriptor.values(TRIANGLE.at(TRIANGLE.positions + t * h * step)).sum() for t in (-1, 1)]
    slope = (descriptor.pullback(TRIANGLE, np.ones((1, 1, 3))) * step).sum()
    np.testing.assert_allclose(slope, (ends[1] - ends[0]) / (2 * h), rtol=1e-6, atol=1e-6)


def test_a_kernel_that_does_not_decay_is_refused_in_words():
    parameters = {"kernel": "gamma_exponential", "gamma": "-1"}
    with pytest.raises(UserError, match=r"^descriptor 'pair_kernel': gamma=-1: .* needs a positive power$"):
        plugins.create("descriptor", "pair_kernel", parameters)


@pytest.mark.parametrize("name", ["beta", "gamma"])
def test_a_kernel_that_is_a_constant_is_refused_in_words(name):
    with pytest.raises(UserError, match=rf"^descriptor 'pair_kernel': {name}=0: the polynomial kernel is then a const"):
        plugins.create("descriptor", "pair_kernel", {"kernel": "polynomial", name: "0"})


@pytest.mark.parametrize(
    ("kernel", "name"),
    [
        ("linear", "alpha"),
        ("linear", "sigma"),
        ("polynomial", "alpha"),
        ("squared_exponential", "gamma"),
        ("gamma_exponential", "beta"),
    ],
)
def test_a_parameter_that_the_kernel_does_not_have_is_refused(kernel, name):
    with pytest.raises(UserError) as error:
        plugins.create("descriptor", "pair_kernel", {"kernel": kernel, name: "2.5"})
    assert str(error.value) == f"descriptor 'pair_kernel': {name} has no effect with kernel={kernel}; leave it out"


def test_the_defaults_of_a_model_s_file_are_no_choice():
    parameters = PairKernel(kernel="linear").model_dump()
    assert plugins.create("descriptor", "pair_kernel", parameters).kernel == "linear"


def test_one_atom_is_refused():
    with pytest.raises(UserError, match="'pair_kernel' needs at least two atoms"):
        PairKernel().fit(Dataset((Frames(np.array([2]), np.zeros((1, 1, 3))),)))


def test_coincident_atoms_are_named():
    positions = TRIANGLE.positions.copy()
    positions[0, 2] = positions[0, 1]
    with pytest.raises(UserError, match="triangle: atoms 1 and 2 of frame 0 are at the same place"):
        PairKernel().values(TRIANGLE.at(positions))
