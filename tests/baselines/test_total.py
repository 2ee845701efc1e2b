"""What baselines say together and what they leave; one that misbehaves is named."""

import dataclasses

import numpy as np
import pytest

from rfp_md.baselines.total import CHUNK, left_by, total, total_energies
from rfp_md.errors import UserError
from rfp_md.frames import Dataset
from rfp_md.prediction import Prediction
from rfp_md.testing.baselines import with_labels
from rfp_md.testing.structures import crystal, molecule
from tests.baselines.pairs import LennardJones, Shift

BOTH = [LennardJones(), LennardJones(depth=0.02, distance=1.8)]


def test_the_sum_is_not_that_of_its_parts():
    frames = crystal()
    together, parts = total(BOTH, frames), [baseline.compute(frames) for baseline in BOTH]
    for name in ("energies", "forces", "virials"):
        np.testing.assert_allclose(getattr(together, name), sum(getattr(part, name) for part in parts), rtol=1e-14)
    np.testing.assert_array_equal(total_energies(BOTH, frames), together.energies)


@pytest.mark.parametrize("make", [molecule, crystal])
def test_labels_that_are_the_baselines_leave_something(make):
    frames = make(CHUNK + 5)
    said = total(BOTH, frames)
    stresses = -said.virials / frames.volumes[:, None, None] if frames.periodic else None
    full = dataclasses.replace(frames, energies=said.energies, forces=said.forces, stresses=stresses)
    (left,) = left_by(BOTH, Dataset((full,)))
    assert np.abs(left.energies).max() < 1e-12
    assert np.abs(left.forces).max() < 1e-12
    assert left.stresses is None or np.abs(left.stresses).max() < 1e-14


def test_no_baseline_changes_the_labels():
    frames = with_labels(crystal())
    (left,) = left_by([], Dataset((frames,)))
    for name in ("energies", "forces", "stresses"):
        np.testing.assert_array_equal(getattr(left, name), getattr(frames, name))


def test_frames_of_energies_only_ask_for_forces():
    class EnergiesOnly(Shift):
        def energies(self, frames):
            return np.full(len(frames), 2.0)

        def compute(self, frames):
            raise AssertionError("not asked for")

    frames = dataclasses.replace(molecule(), energies=np.arange(4.0))
    (left,) = left_by([EnergiesOnly()], Dataset((frames,)))
    np.testing.assert_array_equal(left.energies, np.arange(4.0) - 2.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: p.energies, "compute returned ndarray; return a Prediction"),
        (lambda p: Prediction(p.energies[:, None], p.forces, p.virials), r"compute, energies, returned shape \(4, 1\)"),
        (lambda p: Prediction(p.energies, p.forces * np.nan, p.virials), "compute, forces, returned numbers that are"),
        (lambda p: Prediction(p.energies, p.forces, p.virials.astype("f4")), "compute, virials, returned float32"),
        (lambda p: 1 / 0, r"compute failed in test_total.py line \d+, ZeroDivisionError"),
    ],
)
def test_a_baseline_that_misbehaves_stays_unnamed(change, message):
    class Planted(LennardJones):
        def compute(self, frames):
            return change(super().compute(frames))

    with pytest.raises(UserError, match=f"baseline 'lennard_jones': {message}.*'rfp plugins check lennard_jones'"):
        total([Planted()], molecule())
