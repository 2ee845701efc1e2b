"""Cell and atoms are deformed together, by one deformation for all or by one for each."""

import numpy as np
import pytest

from rfp_md.structures.strain import deformed, strained
from rfp_md.testing.structures import crystal, molecule

STRETCH = np.array([[1.1, 0.02, 0], [0, 1.0, 0], [0, 0, 1.0]])


def fractions(frames):
    return frames.positions @ np.linalg.inv(frames.cells)


def test_fractions_stay_and_the_volume_follows():
    frames = crystal()
    stretched = deformed(frames, STRETCH)
    np.testing.assert_allclose(stretched.volumes, 1.1 * frames.volumes)
    np.testing.assert_allclose(fractions(stretched), fractions(frames), atol=1e-12)


def test_one_structure_under_many_strains_and_each_under_its_own():
    frames, strains = crystal(3), np.arange(3.0)[:, None, None] * 0.01 * np.eye(3)
    for many in (strained(frames[:1], strains), strained(frames, strains)):
        np.testing.assert_allclose(many.volumes, frames.volumes * (1 + np.arange(3.0) * 0.01) ** 3)


def test_a_free_molecule_has_no_cell_to_strain():
    frames = molecule(2)
    assert strained(frames, STRETCH).cells is None
    assert deformed(frames, STRETCH).positions == pytest.approx(frames.positions @ STRETCH)
