"""T, R and P, as physics demands and as the thesis did it."""

import numpy as np
import pytest

from rfp_md.thesis.transformations import ROTATION, SHIFT, transform


def test_the_rotation_is_one():
    np.testing.assert_allclose(ROTATION @ ROTATION.T, np.eye(3), atol=1e-15)
    assert np.linalg.det(ROTATION) == pytest.approx(1)


@pytest.mark.parametrize("kind", ["none", "T", "TR", "PTR"])
def test_a_potential_that_obeys_physics_has_the_same_errors_on_transformed_frames(kind, potential, ethanol, rng):
    frames = ethanol[500:520]
    physics, _ = transform(frames, kind, rng)
    assert physics.energies is frames.energies
    before, after = potential.compute(frames), potential.compute(physics)
    np.testing.assert_array_equal(physics.numbers, frames.numbers)
    if kind != "PTR":  # a relabelling of all hydrogens is no symmetry of a molecule with bonds
        np.testing.assert_allclose(after.energies, before.energies, atol=1e-7)
        errors = [np.linalg.norm(p.forces - f.forces, axis=2) for p, f in ((before, frames), (after, physics))]
        np.testing.assert_allclose(*errors, atol=1e-6)


def test_physics_changes_like_atoms_only_and_takes_their_forces_along(ethanol, rng):
    physics, thesis = transform(ethanol[:3], "PTR", rng)
    back = (physics.positions - SHIFT) @ ROTATION
    order = [int(np.argmin(np.linalg.norm(ethanol.positions[0] - r, axis=1))) for r in back[0]]
    assert order != list(range(9))
    np.testing.assert_array_equal(ethanol.numbers[order], ethanol.numbers)
    np.testing.assert_allclose(physics.forces @ ROTATION, ethanol.forces[:3][:, order], atol=1e-12)
    assert (thesis.numbers != ethanol.numbers).any()
    assert thesis.forces is not None
    np.testing.assert_array_equal(thesis.forces, ethanol.forces[:3])
