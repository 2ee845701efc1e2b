"""A direct model's energies and forces are two functions that have nothing to do with each other."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

import rfp_md
from rfp_md.artifact import load, save
from rfp_md.errors import UserError
from rfp_md.frames import Dataset, Frames
from rfp_md.validation.forces.differences import central_differences


@pytest.fixture(scope="module")
def direct(ethanol):
    """A model whose forces are a function of their own."""
    return rfp_md.train(
        Dataset((ethanol[:100],)), target="direct", descriptor=["cartesian"], regressor="rfnn:width=200"
    )


def test_a_direct_model_gives_energies_and_forces_that_are_no_gradient(direct, ethanol, tmp_path):
    save(direct, tmp_path / "direct.rfp")
    loaded = load(tmp_path / "direct.rfp")
    assert not loaded.conservative
    assert loaded.fixed_composition
    before, after = direct.compute(ethanol[:5]), loaded.compute(ethanol[:5])
    np.testing.assert_array_equal(before.forces, after.forces)
    np.testing.assert_array_equal(before.energies, loaded.energies(ethanol[:5]))
    numerical = central_differences(direct, ethanol, 0, np.arange(27), 2e-4).reshape(9, 3)
    assert np.abs(numerical - before.forces[0]).max() > 0.1


def test_a_cartesian_model_fails_the_rotation_test(direct, ethanol):
    turned = Rotation.from_rotvec([1.0, 0.0, 0.0]).apply(ethanol.positions[0])
    energies = direct.energies(ethanol.at(np.stack([ethanol.positions[0], turned])))
    assert abs(energies[1] - energies[0]) > 0.1


def test_a_direct_model_is_refused_for_what_has_no_derivative_free_fit(ethanol):
    with pytest.raises(UserError, match="'gaussian_process' is for conservative models only"):
        rfp_md.train(Dataset((ethanol[:20],)), target="direct", regressor="gaussian_process")


def test_a_direct_model_has_a_committee(direct, ethanol):
    with pytest.raises(UserError, match="a direct model has no committee and so no uncertainty"):
        direct.uncertainty(ethanol[:1])


def test_atoms_in_another_order_are_refused_where_their_symmetry_is_asked_for(direct, ethanol):
    reverse = Frames(ethanol.numbers[::-1].copy(), ethanol.positions[:3, ::-1].copy())
    with pytest.raises(UserError, match="give the atoms in that order"):
        direct.compute(reverse)
    assert np.abs(direct.predict(reverse).energies - direct.energies(ethanol[:3])).max() > 1e-3
    np.testing.assert_array_equal(direct.predict(ethanol[:3]).forces, direct.compute(ethanol[:3]).forces)
