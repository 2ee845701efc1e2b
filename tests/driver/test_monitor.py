"""The mismatch of energy and work: zero for a potential, growing for anything else, whatever the server sends."""

import numpy as np
import pytest

from rfp_md.driver.monitor import Monitor
from rfp_md.driver.trajectories import MOST_TRAJECTORIES
from rfp_md.errors import UserError
from rfp_md.frames import Frames
from rfp_md.prediction import Prediction

NUMBERS = np.array([6, 1, 1])


def potential(frames, wrong=0.0):
    """A smooth function of the positions; ``wrong`` adds a force that is no gradient."""
    r = frames.positions
    forces = -np.cos(r) - wrong * np.roll(r, 1, axis=2) * np.array([1, -1, 0])
    return Prediction(np.sin(r).sum((1, 2)), forces, np.zeros((len(frames), 3, 3)))


def free(positions):
    return Frames(NUMBERS, positions)


def walk(n, seed=0, size=0.02, beads=1):
    rng = np.random.default_rng(seed)
    times = np.arange(n)[:, None, None, None] * size
    phases, start = rng.uniform(0, 6, (beads, 3, 3)), 2.0 * rng.normal(size=(beads, 3, 3))
    return start + np.sin(times + phases)


def served(monitor, path, **options):
    figures = []
    for positions in path:
        frames = free(positions)
        figures.append(monitor.observe(frames, potential(frames, **options)))
    return np.array(figures)


def test_a_potential_has_no_mismatch_and_wrong_forces_have():
    path = walk(1000)
    right, wrong = (served(Monitor(3, print), path, wrong=size) for size in (0.0, 0.1))
    assert np.abs(right).max() < 0.05  # meV/atom, the error of the trapezoidal rule
    assert np.abs(wrong[-1]) > 10


def test_the_error_of_the_rule_is_of_second_order():
    errors = [np.abs(served(Monitor(3, print), walk(n, size=20 / n))).max() for n in (500, 1000)]
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.2)


def test_beads_in_any_order_are_followed_each():
    rng = np.random.default_rng(1)
    monitor = Monitor(3, print)
    mixed = [beads[rng.permutation(8)] for beads in walk(200, beads=8)]
    assert np.abs(served(monitor, mixed)).max() < 0.05
    assert "8 trajectories (8 beginnings or jumps)" in monitor.summary()


def test_a_jump_begins_a_new_trajectory():
    monitor = Monitor(3, print)
    figures = served(monitor, [*walk(100, seed=1), *walk(100, seed=2)], wrong=0.1)
    assert np.abs(figures[99]) > 1
    assert figures[100] == 0.0
    assert "2 beginnings or jumps" in monitor.summary()


def test_memory_is_bounded_however_often_a_run_begins_anew():
    monitor = Monitor(3, print)
    rng = np.random.default_rng(0)
    served(monitor, 10 * rng.normal(size=(3 * MOST_TRAJECTORIES, 1, 3, 3)))
    assert len(monitor._trajectories.seen) <= MOST_TRAJECTORIES


def test_a_mismatch_that_is_too_large_stops_with_the_figures():
    monitor = Monitor(3, print, max_mismatch=1.0)
    with pytest.raises(UserError, match=r"energy and work differ by .* meV/atom after \d+ steps .* --max-mismatch 1"):
        served(monitor, walk(1000), wrong=0.1)


def lines_of(paths, **options):
    lines = []
    served(Monitor(3, lines.append, **options), paths)
    return [line for line in lines if line.startswith("warning: several trajectories are served at once")]


def test_a_limit_of_the_mismatch_is_not_trusted_for_several_trajectories():
    beads = walk(50, beads=4)
    assert len(lines_of(beads, max_mismatch=1e3)) == 1
    in_turn = beads.reshape(-1, 1, 3, 3)
    assert len(lines_of(in_turn, max_mismatch=1e3)) == 1
    assert lines_of(beads) == []


def test_a_limit_of_the_mismatch_is_trusted_for_one_run_after_the_other():
    assert lines_of([*walk(50, seed=1), *walk(50, seed=2)], max_mismatch=1e3) == []


def test_atoms_that_are_too_close_stop_with_their_names():
    monitor = Monitor(3, print, min_distance=0.5)
    frames = free(np.array([[[0, 0, 0], [1, 0, 0], [1.1, 0.2, 0.0]]]))
    with pytest.raises(UserError, match=r"atoms H1 and H2 are 0\.224 Å apart in evaluation 1, closer than .* 0\.5"):
        monitor.check_distances(frames)
    cells = 1.5 * np.eye(3)[None]
    wrapped = Frames(NUMBERS, np.array([[[0.0, 0, 0], [0.75, 0.7, 0.7], [1.3, 0, 0]]]), cells=cells, pbc=(True,) * 3)
    with pytest.raises(UserError, match=r"C0 and H2 are 0\.200 Å"):
        monitor.check_distances(wrapped)
    thin = Frames(NUMBERS[:1], np.zeros((1, 1, 3)), cells=np.diag([9, 9, 0.4])[None], pbc=(True,) * 3)
    with pytest.raises(UserError, match=r"C0 and its own periodic image are 0\.400 Å"):
        monitor.check_distances(thin)


def test_the_log_has_a_line_every_so_many_evaluations():
    lines = []
    served(Monitor(3, lines.append, log_every=40), walk(100))
    assert len(lines) == 2
    assert lines[0].startswith("40 evaluations of 1 trajectories")


def crystal(fractions, cell):
    """E = Σ sin 2π s + det h^(1/3) in fractional coordinates s: periodic, and known under strain."""
    positions, inverse = fractions @ cell, np.linalg.inv(cell)
    size = np.abs(np.linalg.det(cell)) ** (1 / 3)
    by_fraction = 2 * np.pi * np.cos(2 * np.pi * fractions)
    forces = -by_fraction @ inverse.T
    # dE/dstrain at fixed s: s does not change, det h does: tr ε / 3 of its cube root
    virial = -size / 3 * np.eye(3)
    prediction = Prediction(np.array([np.sin(2 * np.pi * fractions).sum() + size]), forces[None], (virial)[None])
    return Frames(NUMBERS, positions[None], cells=cell[None], pbc=(True,) * 3), prediction


def test_a_cell_that_changes_and_atoms_that_are_wrapped_do_their_work():
    monitor = Monitor(3, print)
    rng = np.random.default_rng(3)
    start, drift = rng.uniform(size=(3, 3)), 0.002 * rng.normal(size=(3, 3))
    cell = np.array([[6.0, 0, 0], [1, 7, 0], [0.5, 0.3, 8]])
    figures = []
    for k in range(300):
        shape = cell @ (np.eye(3) + 0.02 * np.sin(0.03 * k) * np.array([[1, 0.3, 0], [0.3, -1, 0], [0, 0, 2]]))
        frames, prediction = crystal((start + k * drift) % 1.0, shape)
        figures.append(monitor.observe(frames, prediction)[0])
    assert "(1 beginnings" in monitor.summary()
    assert np.abs(figures).max() < 0.5
