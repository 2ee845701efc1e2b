"""A free molecule whose atoms a server wraps into its cell one by one."""

import numpy as np
import pytest
from ase.units import Bohr

from rfp_md.driver.evaluator import Evaluator
from rfp_md.driver.monitor import Monitor
from rfp_md.driver.protocol import Structures
from rfp_md.errors import UserError
from rfp_md.prediction import Prediction
from rfp_md.testing.structures import molecule

TEMPLATE = molecule(1)
WHOLE = TEMPLATE.positions[0]
CELL = np.array([[8.0, 0, 0], [3, 8, 0], [-2, 3, 9]])
WRAPS = {"ase": np.floor, "ipi": np.round}


def sent(positions, cell=CELL, wrap=None):
    """Structures as they come, wrapped or not."""
    if wrap is not None:
        fractions = positions @ np.linalg.inv(cell)
        positions = (fractions - wrap(fractions)) @ cell
    return Structures(np.broadcast_to(cell / Bohr, (len(positions), 3, 3)), positions / Bohr)


def distances(positions):
    return np.linalg.norm(positions[:, None] - positions, axis=2)


def springs(frames):
    """A molecule of springs, wherever it is."""
    arms = frames.positions - frames.positions.mean(axis=1, keepdims=True)
    return Prediction(0.5 * (arms**2).sum((1, 2)), -arms, np.zeros((len(frames), 3, 3)))


@pytest.mark.parametrize("wrap", WRAPS.values(), ids=WRAPS)
def test_a_molecule_that_goes_through_the_cell_is_whole_and_its_trajectory_goes_on(wrap):
    evaluator = Evaluator(TEMPLATE, springs, reference=TEMPLATE)
    monitor = Monitor(len(WHOLE), lambda text: None)
    for step in range(200):
        moved = WHOLE + step * np.array([0.13, 0.07, -0.11])
        frames = evaluator.frames(sent(moved[None], wrap=wrap))
        np.testing.assert_allclose(distances(frames.positions[0]), distances(WHOLE), atol=1e-9)
        figure = monitor.observe(frames, springs(frames))
    assert abs(figure[0]) < 1e-9
    assert "of 1 trajectories (1 beginnings or jumps)" in monitor.summary()


@pytest.mark.parametrize("shift", [0.0, 5.0, 1e4])
def test_whole_molecules_stay_as_they_are(shift):
    evaluator = Evaluator(TEMPLATE, springs, reference=TEMPLATE)
    frames = evaluator.frames(sent((WHOLE + shift)[None], cell=100 * np.eye(3)))
    np.testing.assert_array_equal(frames.positions, sent((WHOLE + shift)[None]).positions * Bohr)


def test_parts_that_are_far_apart_are_not_wrapped_where_the_server_does_not_wrap():
    evaluator = Evaluator(TEMPLATE, springs)
    apart = WHOLE.copy()
    apart[-1] += 30.0  # beyond the cell, into which a server that wraps would have put it
    np.testing.assert_allclose(evaluator.frames(sent(apart[None])).positions[0], apart)


@pytest.mark.parametrize("cell", [np.zeros((3, 3)), np.ones((3, 3)), np.full((3, 3), np.nan)])
def test_a_cell_that_is_none_wraps_nothing(cell):
    evaluator = Evaluator(TEMPLATE, springs)
    np.testing.assert_allclose(evaluator.frames(sent(WHOLE[None], cell=cell)).positions[0], WHOLE)


def test_images_that_nobody_can_tell_are_refused():
    evaluator = Evaluator(TEMPLATE, springs)
    apart = WHOLE.copy()
    apart[-1] = WHOLE[0] + 0.53 * CELL[0]
    with pytest.raises(UserError, match=r'nobody can tell which images belong together.* pbc="false"'):
        evaluator.frames(sent(apart[None]))


def test_a_model_that_sees_where_a_molecule_is_gets_no_wrapped_one():
    evaluator = Evaluator(TEMPLATE, springs, may_move=False)
    evaluator.frames(sent(WHOLE[None]))
    moved = WHOLE + 0.5 * CELL[0] - WHOLE.mean(axis=0)
    with pytest.raises(UserError, match="the model sees where they are"):
        evaluator.frames(sent(moved[None], wrap=np.floor))
