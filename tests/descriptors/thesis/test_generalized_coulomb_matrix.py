from itertools import combinations
from math import exp, sqrt

import numpy as np
import pytest

from rfp_md.descriptors.thesis.coulomb_matrix import CoulombMatrix
from rfp_md.descriptors.thesis.generalized_coulomb_matrix import GeneralizedCoulombMatrix
from rfp_md.errors import UserError
from rfp_md.frames import Dataset, Frames
from rfp_md.testing.structures import atom, pair

# A right triangle with sides 1, 2 and √5.
TRIANGLE = Frames(np.array([8, 1, 1]), np.array([[[0.0, 0, 0], [0, 1, 0], [2, 0, 0]]]), source="triangle")


@pytest.mark.parametrize(
    "parameters", [{}, {"sigma": 3.0, "diagonal": "rupp"}, {"sigma": 2.0, "squared": False}], ids=str
)
def test_it_keeps_what_it_declares(parameters, conforms):
    conforms(GeneralizedCoulombMatrix(**parameters))


def test_the_coulomb_matrix_comes_first_and_the_triple_of_equation_3_18_after_it():
    values = GeneralizedCoulombMatrix(sigma=2.0).values(TRIANGLE)[0, 0]
    np.testing.assert_array_equal(values[:9], CoulombMatrix().values(TRIANGLE)[0, 0])
    assert values[9:] == pytest.approx([exp(-(1 + 4 + 5) / 4)])


def test_the_author_s_code_has_plain_distances_and_half_an_angstrom():
    assert GeneralizedCoulombMatrix().sigma == 0.5
    values = GeneralizedCoulombMatrix(squared=False).values(TRIANGLE)[0, 0]
    assert values[9:] == pytest.approx([exp(-(1 + 2 + sqrt(5)) / 0.25)])


def test_each_triple_stands_once_in_the_order_of_its_atoms(ethanol):
    r, expected = ethanol.positions[0], []
    for i, j, k in combinations(range(9), 3):
        sides = np.square([r[i] - r[j], r[j] - r[k], r[k] - r[i]]).sum()
        expected.append(exp(-sides / 9))
    np.testing.assert_allclose(GeneralizedCoulombMatrix(sigma=3.0).values(ethanol[:1])[0, 0, 81:], expected)


@pytest.mark.parametrize(("squared", "sigma"), [(True, 3.0), (False, 2.0)])
def test_the_triples_have_their_own_derivative(ethanol, squared, sigma):
    """The conformance kit looks at the largest numbers, which are the Coulomb matrix's."""
    descriptor, frame, h = GeneralizedCoulombMatrix(squared=squared, sigma=sigma), ethanol[:1], 1e-4
    step = np.random.default_rng(0).normal(size=(1, 9, 3))
    ends = [descriptor.values(frame.at(frame.positions + t * h * step))[0, 0, 81:] for t in (-1, 1)]
    slopes = (descriptor.jacobian(frame)[0, 0, 81:] * step).sum(axis=(1, 2))
    np.testing.assert_allclose(slopes, (ends[1] - ends[0]) / (2 * h), rtol=1e-4, atol=1e-6 * np.abs(slopes).max())
    gradient = np.zeros((1, 1, 81 + 84))
    gradient[..., 81:] = np.random.default_rng(1).normal(size=84)
    product = np.einsum("msd,msdcx->mcx", gradient, descriptor.jacobian(frame))
    np.testing.assert_allclose(descriptor.pullback(frame, gradient), product, rtol=1e-10, atol=1e-15)


def test_two_atoms_have_no_triple_and_one_atom_is_refused():
    hydrogen = pair(0.74)
    descriptor = GeneralizedCoulombMatrix()
    descriptor.fit(Dataset((hydrogen,)))
    np.testing.assert_array_equal(descriptor.values(hydrogen), CoulombMatrix().values(hydrogen))
    assert descriptor.pullback(hydrogen, np.ones((1, 1, 4))).shape == (1, 2, 3)
    with pytest.raises(UserError, match="'generalized_coulomb_matrix' needs at least two atoms"):
        GeneralizedCoulombMatrix().fit(Dataset((atom(),)))
