from math import pi

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rfp_md.descriptors.thesis.angles import Angles
from rfp_md.errors import UserError
from rfp_md.frames import Dataset, Frames
from rfp_md.testing.structures import pair

SEEDS = st.integers(0, 2**32 - 1)


def atoms(*positions, source="atoms"):
    return Frames(np.ones(len(positions), dtype=np.int64), np.array([positions], dtype=float), source=source)


def test_it_keeps_what_it_declares(conforms):
    conforms(Angles())


def test_a_right_triangle_has_the_angles_at_its_first_second_and_third_atom():
    np.testing.assert_allclose(Angles().values(atoms([0, 0, 0], [1, 0, 0], [0, 1, 0]))[0, 0], [pi / 2, pi / 4, pi / 4])


def test_the_sign_of_equation_3_17_is_corrected():
    """An equilateral triangle has 60°; as it is printed the equation gives 120°."""
    np.testing.assert_allclose(Angles().values(atoms([1, 0, 0], [0, 1, 0], [0, 0, 1])), np.full((1, 1, 3), pi / 3))


@given(seed=SEEDS, n_atoms=st.integers(3, 7))
def test_the_angles_of_every_triangle_are_those_of_the_cosine_law_and_add_up_to_pi(seed, n_atoms):
    frames = atoms(*np.random.default_rng(seed).normal(size=(n_atoms, 3)))
    angles = Angles().values(frames).reshape(-1, 3)
    assert len(angles) == n_atoms * (n_atoms - 1) * (n_atoms - 2) // 6
    np.testing.assert_allclose(angles.sum(axis=1), pi)
    r, place = frames.positions[0], -1
    i, j, k = n_atoms - 3, n_atoms - 2, n_atoms - 1
    a, b, c = np.linalg.norm(r[j] - r[k]), np.linalg.norm(r[i] - r[j]), np.linalg.norm(r[i] - r[k])
    assert np.cos(angles[place, 0]) == pytest.approx((b * b + c * c - a * a) / (2 * b * c), abs=1e-12)


@pytest.mark.parametrize("bend", [1e-3, 1e-6, 1e-9])
def test_a_nearly_straight_angle_is_not_lost_to_rounding(bend):
    """The cosine of it differs from −1 by bend²/2, which is nothing in float64."""
    frames = atoms([0, 0, 0], [1, 0, 0], [-np.cos(bend), np.sin(bend), 0])
    assert pi - Angles().values(frames)[0, 0, 0] == pytest.approx(bend, rel=1e-6)


@given(seed=SEEDS)
def test_a_rigid_turn_of_the_derivative(seed):
    """No torque: Σ_i r_i × dα/dr_i = 0, and no force: Σ_i dα/dr_i = 0."""
    frames = atoms(*np.random.default_rng(seed).normal(size=(5, 3)))
    jacobian = Angles().jacobian(frames)[0, 0]
    scale = 1e-9 * np.abs(jacobian).max()
    np.testing.assert_allclose(jacobian.sum(axis=1), 0, atol=scale)
    np.testing.assert_allclose(np.cross(frames.positions[0], jacobian).sum(axis=1), 0, atol=10 * scale)


def test_the_derivative_jumps_across_the_line():
    slopes = [Angles().jacobian(atoms([0, y, 0], [1, 0, 0], [-1, 0, 0]))[0, 0, 0, 0, 1] for y in (-1e-6, 1e-6)]
    np.testing.assert_allclose(slopes, [2.0, -2.0])
    assert Angles().capabilities.piecewise


def test_atoms_in_one_line_are_named_with_the_remedy():
    line, bent = [[0.1, 0, 0], [0, 1, 1], [0.1, 0.7, 0], [0.1, 1.9, 0]], [[0.0, 0, 0], [0, 1, 1], [0, 1, 0], [1, 1, 0]]
    frames = Frames(np.ones(4, dtype=np.int64), np.array([bent, line]), source="cyanide.xyz")
    assert np.isfinite(Angles().values(frames)).all()
    sentence = r"^cyanide.xyz: atoms 0, 2 and 3 of frame 1 are in one line, .* no derivative; remove that frame, or use"
    with pytest.raises(UserError, match=sentence):
        Angles().jacobian(frames)
    with pytest.raises(UserError, match=sentence):
        Angles().pullback(frames, np.ones((2, 1, 12)))


def test_two_atoms_are_refused():
    with pytest.raises(UserError, match="H2: descriptor 'angles' needs at least three atoms"):
        Angles().fit(Dataset((pair(0.74),)))


def test_coincident_atoms_are_named():
    with pytest.raises(UserError, match="atoms 0 and 2 of frame 0 are at the same place"):
        Angles().values(atoms([0, 0, 0], [1, 0, 0], [0, 0, 0]))
