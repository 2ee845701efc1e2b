"""The screened repulsion of nuclei."""

import dataclasses

import numpy as np
import pytest

from rfp_md.baselines.zbl import WHOLE, Zbl
from rfp_md.errors import UserError
from rfp_md.frames import Dataset, Frames
from rfp_md.linalg.differences import central_difference
from rfp_md.plugins.arrays import Surroundings
from rfp_md.plugins.guard import restored
from rfp_md.structures.strain import strained
from rfp_md.testing import check_baseline
from rfp_md.testing.structures import crystal, molecule

STEP = 1e-4  # Å, or of strain


def fitted(frames):
    zbl = Zbl()
    zbl.fit(Dataset((frames,)))
    return zbl


def dimers(numbers, distances):
    positions = np.zeros((len(distances), 2, 3))
    positions[:, 1, 2] = distances
    return Frames(np.array(numbers), positions, source="dimers")


def test_the_baseline_does_not_conform():
    check_baseline(Zbl())


def test_two_nuclei_without_electrons_between_them_are_screened():
    """At a hundredth of the screening length, E is the bare k Z Z′ / r within the first order of φ = 1 − 0.9·r/a."""
    zbl = Zbl().restore({"elements": np.array([14]), "outer": np.array([[4.0]])})
    a = 0.46850 / (2 * 14**0.23)
    bare = 14.399645 * 14**2 / (0.01 * a)
    slope = 0.18175 * 3.19980 + 0.50986 * 0.94229 + 0.28022 * 0.40290 + 0.02817 * 0.20162
    np.testing.assert_allclose(zbl.energies(dimers([14, 14], [0.01 * a]))[0], bare * (1 - 0.01 * slope), rtol=3e-4)


@pytest.mark.parametrize("make", [molecule, crystal])
def test_training_frames_feel_it(make):
    frames = make()
    said = fitted(frames).compute(frames)
    assert not said.energies.any()
    assert not said.forces.any()


@pytest.mark.parametrize("make", [molecule, crystal])
def test_forces_and_virials_of_compressed_structures_are_not_the_slopes_of_the_energy(make):
    zbl, frames = fitted(make()), strained(make(1), -0.35 * np.eye(3))
    said = zbl.compute(frames)
    assert said.energies[0] > 1.0
    moves = STEP * np.eye(frames.positions[0].size).reshape(-1, *frames.positions.shape)

    def moved(t):
        return np.array([zbl.energies(frames.at(frames.positions + t * move))[0] for move in moves])

    slopes = central_difference(moved, STEP)
    np.testing.assert_allclose(said.forces.ravel(), -slopes, rtol=1e-6, atol=1e-6)
    strains = STEP * np.eye(9).reshape(9, 3, 3)
    slopes = central_difference(
        lambda t: np.array([zbl.energies(strained(frames, t * strain))[0] for strain in strains]), STEP
    )
    np.testing.assert_allclose(said.virials.ravel(), -slopes, rtol=1e-6, atol=1e-6)


def test_the_switch_has_a_jump_in_two_derivatives():
    zbl = fitted(molecule())
    outer = zbl.state["outer"][0, 1]
    for place in (WHOLE * outer, outer):
        slopes = zbl.compute(dimers([1, 6], place + np.array([-2e-5, -1e-5, 1e-5, 2e-5]))).forces[:, 1, 2]
        curvatures = (slopes[1] - slopes[0]) / 1e-5, (slopes[3] - slopes[2]) / 1e-5
        assert abs(slopes[1] - slopes[2]) < 0.1
        assert abs(curvatures[0] - curvatures[1]) < 1.0  # eV/Å², of some hundreds


def test_it_attracts_somewhere():
    zbl = fitted(molecule())
    for pair in ([1, 1], [1, 6], [6, 8], [8, 8]):
        energies = zbl.energies(dimers(pair, np.linspace(0.2, 4.0, 400)))
        assert (np.diff(energies) <= 0).all()
        assert energies[-1] == 0.0


def test_an_element_that_it_was_not_fitted_to_is_taken_for_nothing():
    zbl = fitted(molecule())
    other = dataclasses.replace(molecule(1), numbers=np.array([7, 7, 7, 7, 7, 7, 7, 7, 7]), source="md.xyz")
    with pytest.raises(UserError, match=r"md.xyz: has N9?, but baseline 'zbl' was fitted to HCO only"):
        zbl.energies(other)


def test_arrays_that_do_not_fit_are_taken_back():
    state = {"elements": np.array([1, 8]), "outer": np.array([[1.0, 1.2], [1.3, 1.0]])}
    with pytest.raises(ValueError, match="outer is not symmetric"):
        restored(Zbl(), state, Surroundings((1, 8), 3))
    with pytest.raises(ValueError, match="outer has shape"):
        restored(Zbl(), state | {"outer": np.ones((3, 3))}, Surroundings((1, 8), 3))
