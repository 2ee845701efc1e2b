"""What would make the picture of a structure wrong."""

import re

import numpy as np
import pytest

from rfp_md.frames import Frames
from rfp_md.pictures.ball_and_stick import structure


def test_a_crystal_is_drawn_without_its_cell():
    cell = 5.43 * np.eye(3)
    places = np.array([[0, 0, 0], [1.3575, 1.3575, 1.3575], [2.715, 2.715, 0], [4.0725, 4.0725, 1.3575]])
    frame = Frames(np.full(4, 14), places[None], cells=cell[None], pbc=(True, True, True))
    drawn = structure("silicon", "silicon", frame)
    assert drawn.count('class="edge"') == 12
    assert drawn.count('class="ball"') == 4
    assert drawn.count('class="stick"') == 3  # bonds through the cell's faces are not drawn across it


def test_an_atom_behind_another_one_is_drawn_in_front_of_it():
    cell = 5.0 * np.eye(3)
    frame = Frames(np.array([6, 8]), np.array([[[2.5, 4.9, 2.5], [2.5, 0.1, 2.5]]]), cells=cell[None], pbc=(True,) * 3)
    drawn = structure("depth", "depth", frame)
    far, near = (drawn.index(f"url(#depth-{element})") for element in "CO")
    assert far < near  # the cell is looked at from small y, from the right and a little from above
    sizes = [float(text) for text in re.findall(r'class="ball"[^>]* r="([^"]*)"', drawn)]
    assert sizes[0] / sizes[1] < 0.76 / 0.66  # so that the farther one is smaller than its radius says


@pytest.mark.parametrize("n_atoms", [1, 2, 3])
def test_an_atom_or_a_line_cannot_be_drawn(n_atoms):
    positions = np.zeros((1, n_atoms, 3))
    positions[0, :, 2] = np.arange(n_atoms)
    drawn = structure("line", "a line", Frames(np.ones(n_atoms, dtype=np.int64), positions))
    assert drawn.count('class="ball"') == n_atoms
    assert "nan" not in drawn
