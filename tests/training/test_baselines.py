"""Models with baselines that have forces: what is not learned is taken off before the fit and comes back whole."""

import dataclasses
import json

import numpy as np
import pytest

import rfp_md
from rfp_md.artifact import load, read, save
from rfp_md.baselines.total import total
from rfp_md.errors import UserError
from rfp_md.frames import Dataset
from rfp_md.testing.structures import crystal, molecule
from rfp_md.validation.forces.differences import central_differences, stress_error
from tests.baselines.pairs import LennardJones
from tests.conftest import ETHANOL
from tests.dummies import register
from tests.programs import rfp

BASELINES = ["lennard_jones:depth=0.08,distance=1.8", "elements"]  # the second takes what is constant in the rest
OURS = [LennardJones(depth=0.08, distance=1.8)]
OPTIONS = {"descriptor": ["many_body:components=20,channels=6,width=200"], "baseline": BASELINES}


@pytest.fixture(autouse=True)
def installed(monkeypatch):
    register(monkeypatch, "lennard_jones", "tests.baselines.pairs:LennardJones", "baseline")
    register(monkeypatch, "shift", "tests.baselines.pairs:Shift", "baseline")


def labelled_by(baselines, frames, offset=-100.0):
    """The structures with what the baselines say of them, each atom some energy besides."""
    said = total(baselines, frames)
    stresses = -said.virials / frames.volumes[:, None, None] if frames.periodic else None
    energies = said.energies + offset * frames.n_atoms
    return dataclasses.replace(frames, energies=energies, forces=said.forces, stresses=stresses)


def strained_crystal(n_frames):
    """Silicon in cells of many shapes."""
    frames = crystal(n_frames)
    deformation = np.eye(3) + 0.03 * np.random.default_rng(2).standard_normal((n_frames, 3, 3))
    return dataclasses.replace(frames, positions=frames.positions @ deformation, cells=frames.cells @ deformation)


@pytest.mark.parametrize("make", [molecule, strained_crystal])
def test_labels_that_are_the_baseline_do_not_come_back(make):
    frames = labelled_by(OURS, make(30))
    potential = rfp_md.train(Dataset((frames[:20],)), **OPTIONS)
    found = potential.compute(frames[20:])
    np.testing.assert_allclose(found.energies, frames.energies[20:], atol=1e-8)
    np.testing.assert_allclose(found.forces, frames.forces[20:], atol=1e-8)
    np.testing.assert_allclose(found.virials, total(OURS, frames[20:]).virials, atol=1e-8)
    np.testing.assert_allclose(potential.energies(frames[20:]), found.energies, rtol=1e-12)


@pytest.fixture
def silicon():
    """A model of a crystal whose labels are a baseline and as much again, which is to be learned."""
    frames = labelled_by([*OURS, LennardJones(depth=0.03, distance=2.2)], strained_crystal(60))
    return frames, rfp_md.train(Dataset((frames[:50],)), **OPTIONS)


def test_the_sum_of_baseline_and_learned_part_has_wrong_forces_or_virials(silicon):
    frames, potential = silicon
    test = frames[50:52]
    prediction = potential.compute(test)
    assert np.abs(prediction.forces - test.forces).mean() < 0.2 * np.abs(test.forces).mean()
    numerical = central_differences(potential, test, 0, np.arange(6), 1e-3).reshape(2, 3)
    np.testing.assert_allclose(prediction.forces[0], numerical, atol=1e-7)
    assert stress_error(potential, test, prediction.virials) < 1e-8


def test_members_of_the_committee_lack_the_baseline(silicon):
    frames, potential = silicon
    test = frames[50:]
    committee, bare = potential.committee(test), dataclasses.replace(potential, baselines=[]).committee(test)
    known = total(potential.baselines, test)
    for name in ("energies", "forces", "virials"):
        np.testing.assert_allclose(getattr(committee, name), getattr(bare, name) + getattr(known, name), atol=1e-10)


def test_a_file_loses_a_baseline(silicon, tmp_path):
    frames, potential = silicon
    save(potential, tmp_path / "model.rfp")
    header, _ = read(tmp_path / "model.rfp")
    assert [entry.name for entry in header.baselines] == ["lennard_jones", "elements"]
    assert header.baselines[0].parameters == {"depth": 0.08, "distance": 1.8, "cutoff": 5.0}
    again = load(tmp_path / "model.rfp").compute(frames[50:])
    np.testing.assert_array_equal(again.forces, potential.compute(frames[50:]).forces)
    np.testing.assert_array_equal(again.virials, potential.compute(frames[50:]).virials)


def test_a_model_of_energies_only_has_the_labels_of_forces(ethanol):
    bare = dataclasses.replace(ethanol[:120], forces=None)
    frames = dataclasses.replace(bare, energies=total(OURS, bare).energies - 700.0)
    potential = rfp_md.train(
        Dataset((frames[:100],)), regressor="rfnn:activation=relu,width=50", baseline=BASELINES, preset="fast"
    )
    np.testing.assert_allclose(potential.energies(frames[100:]), frames.energies[100:], atol=1e-8)


def test_a_direct_model_is_fitted_to_what_the_baseline_has(ethanol):
    frames = labelled_by(OURS, ethanol[:60])
    options = {"descriptor": ["cartesian"], "regressor": "rfnn:width=50", "baseline": BASELINES}
    potential = rfp_md.train(Dataset((frames[:50],)), target="direct", **options)
    found = potential.compute(frames[50:])
    np.testing.assert_allclose(found.energies, frames.energies[50:], atol=1e-8)
    np.testing.assert_allclose(found.forces, frames.forces[50:], atol=1e-8)


def test_a_second_baseline_is_fitted_to_what_the_first_was_fitted_to(ethanol):
    frames = Dataset((ethanol[:40],))
    options = {"preset": "fast", "regressor": "rfnn:width=50"}
    potential = rfp_md.train(frames, baseline=["shift", "elements", "shift"], **options)
    first, second, third = (baseline.state for baseline in potential.baselines)
    training = ethanol[potential.split["train"]]
    assert first["c"][0] == pytest.approx(training.energies.mean() / 9)
    assert np.abs(second["energies"]).max() < 1e-10
    assert abs(third["c"][0]) < 1e-10


def test_a_periodic_structure_goes_into_a_baseline_that_cannot_see_it(silicon):
    frames, potential = silicon
    with pytest.raises(UserError, match="is periodic, but baseline 'shift' sees free molecules only"):
        rfp_md.train(Dataset((frames[:20],)), descriptor=OPTIONS["descriptor"], baseline=["shift"])
    (free,) = rfp_md.train(Dataset((labelled_by(OURS, molecule(20)),)), **OPTIONS | {"baseline": ["shift"]}).baselines
    mixed = dataclasses.replace(potential, baselines=[*potential.baselines, free])
    with pytest.raises(UserError, match="is periodic, but baseline 'shift' sees free molecules only"):
        mixed.energies(frames[:1])


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("element", "no baseline is named 'element'; did you mean 'elements'"),
        ("elements:x=1", "baseline 'elements' has no parameter 'x'"),
        ("lennard_jones:cutoff=-1", "baseline 'lennard_jones': cutoff=-1: Input should be greater than 0"),
        ("elements:x", "--baseline elements:x: 'x' is not key=value"),
    ],
)
def test_a_flag_that_says_nothing_is_found_after_the_frames_are_read(spec, message):
    with pytest.raises(UserError, match=message):
        rfp_md.train("no_such_file.xyz", baseline=[spec])


def test_the_command_line_and_a_configuration_forget_a_baseline(tmp_path):
    (tmp_path / "options.toml").write_text('baseline = ["elements", "elements"]\npreset = "fast"\n')
    train = ("train", f"{ETHANOL}@:20", "-o", tmp_path / "model.rfp", "--regressor", "rfnn:width=20")
    for options in (("--config", tmp_path / "options.toml"), ("--baseline", "elements", "--baseline", "elements")):
        assert rfp(*train, *options).returncode == 0
        header = json.loads(rfp("info", tmp_path / "model.rfp", "--json").stdout)
        assert [entry["name"] for entry in header["baselines"]] == ["elements", "elements"]
