import dataclasses
from math import exp, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rfp_md import plugins
from rfp_md.descriptors.thesis.behler_parrinello_pair import BehlerParrinelloPair
from rfp_md.errors import UserError
from rfp_md.frames import Dataset, Frames
from rfp_md.testing.structures import atom, molecule

# A right triangle with sides 1, 2 and √5.
TRIANGLE = Frames(np.array([8, 1, 1]), np.array([[[0.0, 0, 0], [0, 1, 0], [2, 0, 0]]]), source="triangle")
MOLECULE = molecule(1)


@pytest.mark.parametrize("parameters", [{}, {"centers": 2.0}, {"centers": "1.2/3.4", "sigma": 1.1}], ids=str)
def test_it_keeps_what_it_declares(parameters, conforms):
    conforms(BehlerParrinelloPair(**parameters))


def test_with_one_center_it_is_the_thesis_s_one_number_per_atom():
    def bell(distance):
        return exp(-((distance - 1.5) ** 2) / 0.8**2)

    descriptor = BehlerParrinelloPair(centers=1.5, sigma=0.8)
    np.testing.assert_array_equal(descriptor.site_types(TRIANGLE.numbers), [8, 1, 1])
    np.testing.assert_allclose(
        descriptor.values(TRIANGLE)[0],
        [[bell(1) + bell(2)], [bell(1) + bell(sqrt(5))], [bell(2) + bell(sqrt(5))]],
    )


@given(permutation=st.permutations(range(9)))
def test_every_relabelling_relabels_the_sites(permutation):
    """Of unlike atoms too, for the neighbours' elements are not seen."""
    relabelled = dataclasses.replace(MOLECULE, positions=MOLECULE.positions[:, permutation])
    values = BehlerParrinelloPair().values(MOLECULE)
    np.testing.assert_allclose(BehlerParrinelloPair().values(relabelled), values[:, permutation], rtol=1e-12)


def test_it_takes_other_molecules_than_it_was_fitted_to(ethanol):
    descriptor = BehlerParrinelloPair()
    descriptor.fit(Dataset((ethanol[:5],)))
    assert descriptor.values(TRIANGLE).shape == (1, 3, 7)


def test_a_lone_atom_sees_nothing():
    np.testing.assert_array_equal(BehlerParrinelloPair().values(atom()), np.zeros((1, 1, 7)))


@pytest.mark.parametrize("centers", ["1.0/-2", "", "near"])
def test_centers_that_are_no_distances_are_refused_in_words(centers):
    with pytest.raises(UserError, match=r"^descriptor 'behler_parrinello_pair': centers"):
        plugins.create("descriptor", "behler_parrinello_pair", {"centers": centers})


def test_coincident_atoms_are_named():
    with pytest.raises(UserError, match="triangle: atoms 0 and 1 of frame 0 are at the same place"):
        BehlerParrinelloPair().values(TRIANGLE.at(np.zeros((1, 3, 3))))
