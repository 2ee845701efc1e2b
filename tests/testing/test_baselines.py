"""The kit passes what is right and catches what is wrong."""

import importlib

import numpy as np
import pytest

from rfp_md.baselines.elements import Elements
from rfp_md.plugins.scaffold import new_plugin
from rfp_md.prediction import Prediction
from rfp_md.testing import baseline_outcomes, check_baseline
from tests.baselines.pairs import LennardJones


@pytest.fixture(scope="module")
def soft_walls(tmp_path_factory):
    """The class of the baseline template."""
    root = new_plugin("soft_repulsion", "baseline", tmp_path_factory.mktemp("plugin"))
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(root)
        yield importlib.import_module("rfp_soft_repulsion.baseline").SoftRepulsion


def failures(baseline):
    """What is wrong with a planted defect."""
    return {o.check: o.message for o in baseline_outcomes(baseline) if o.status == "failed"}


def planted(change):
    """A Lennard-Jones baseline whose numbers are changed on the way."""

    class Planted(LennardJones):
        """E = 0."""

        def compute(self, frames):
            return change(frames, super().compute(frames))

        def energies(self, frames):
            return super().compute(frames).energies

    return Planted()


def test_the_template_does_not_conform(soft_walls):
    check_baseline(soft_walls())
    assert (
        np.abs(soft_walls().compute(importlib.import_module("rfp_md.testing.structures").molecule()).forces).max() > 1
    )


@pytest.mark.parametrize("baseline", [Elements(), LennardJones()], ids=lambda baseline: baseline.name)
def test_a_right_baseline_fails(baseline):
    check_baseline(baseline)


@pytest.mark.parametrize(
    ("change", "check", "message"),
    [
        (lambda f, p: Prediction(p.energies, -p.forces, p.virials), "forces", "it is −dE/dr"),
        (lambda f, p: Prediction(p.energies, p.forces, -p.virials), "virials (crystal)", "it is −dE/dstrain"),
        (
            lambda f, p: Prediction(p.energies, p.forces, np.einsum("mix,miy->mxy", f.positions, p.forces)),
            "virials (crystal)",
            "central differences of the energy give",
        ),
        (lambda f, p: Prediction(p.energies + 1e-3, p.forces, p.virials), "energies alone", "derive one from"),
        (lambda f, p: Prediction(p.energies, p.forces[:, :1], p.virials), "shapes and dtypes", "forces, has shape"),
        (lambda f, p: p.energies, "shapes and dtypes", "compute returns ndarray; return a rfp_md.prediction"),
        (
            lambda f, p: Prediction(p.energies, p.forces + p.forces.mean(axis=0) - p.forces[:1], p.virials),
            "batch equals single",
            "frames must not see each other",
        ),
    ],
)
def test_a_planted_defect_is_overlooked(change, check, message):
    assert message in failures(planted(change))[check]


def test_a_structure_that_is_moved_inside_is_overlooked():
    def shifted(frames, prediction):
        frames.positions[:] += 1.0
        return prediction

    assert "it changes frames.positions" in failures(planted(shifted))["input not changed"]


def test_what_is_learned_outside_state_is_overlooked():
    kept = {}

    class Forgetful(Elements):
        """Keeps its energies where no file finds them."""

        def fit(self, dataset):
            super().fit(dataset)
            kept[id(self)] = 1.0

        def energies(self, frames):
            return super().energies(frames) + kept.get(id(self), 0.0)

    assert "keep what it learned in state" in failures(Forgetful())["save and load"]
