"""Reference energies of the elements."""

import dataclasses

import numpy as np
import pytest

from rfp_md.baselines.elements import Elements
from rfp_md.errors import UserError
from rfp_md.frames import Dataset, Frames
from rfp_md.plugins.arrays import Surroundings
from rfp_md.plugins.guard import restored


def fitted(dataset):
    baseline = Elements()
    baseline.fit(dataset)
    return baseline


def test_the_baseline_of_one_composition_is_not_the_mean_energy(ethanol):
    energies = fitted(Dataset((ethanol,))).energies(ethanol[:3])
    np.testing.assert_allclose(energies, ethanol.energies.mean(), rtol=1e-12)


def test_the_baseline_of_many_compositions_is_not_extensive(rng):
    reference = {1: -13.6, 8: -2040.0}
    blocks = []
    for numbers in ([8, 1, 1], [1, 1], [8, 8], [8, 1]):
        energies = np.full(2, sum(reference[z] for z in numbers))
        blocks.append(Frames(np.array(numbers), rng.normal(size=(2, len(numbers), 3)), energies))
    baseline = fitted(Dataset(tuple(blocks)))
    assert baseline.state["elements"].tolist() == [1, 8]
    assert baseline.state["energies"].tolist() == pytest.approx(list(reference.values()))
    five = Frames(np.array([1, 8, 8, 1, 8]), np.zeros((1, 5, 3)))
    assert baseline.energies(five)[0] == pytest.approx(2 * -13.6 + 3 * -2040.0)


def test_an_element_that_it_was_not_fitted_to_is_taken_for_nothing(ethanol):
    other = dataclasses.replace(ethanol[:1], numbers=np.array([7, *ethanol.numbers[1:]]), source="md.xyz")
    with pytest.raises(UserError, match=r"md.xyz: has N, but baseline 'elements' was fitted to HCO only"):
        fitted(Dataset((ethanol,))).energies(other)


def test_arrays_that_do_not_fit_each_other_are_taken_back():
    state = {"elements": np.array([1, 8]), "energies": np.zeros(3)}
    with pytest.raises(ValueError, match="energies has shape"):
        restored(Elements(), state, Surroundings((1, 8), 3))
