"""The committee: draws of the readout's posterior that share the features, calibrated on the validation frames."""

import dataclasses

import numpy as np
import pytest

import rfp_md
from rfp_md.artifact import load, save
from rfp_md.descriptors.describe import describe
from rfp_md.errors import UserError
from rfp_md.evaluation.reliability import calibration, compare, spearman, summary
from rfp_md.frames import Dataset
from rfp_md.plugins.arrays import Surroundings, Term
from rfp_md.plugins.guard import restored
from rfp_md.validation.forces.differences import central_differences
from tests.conftest import ETHANOL, ROOT


@pytest.fixture(scope="module")
def joint(ethanol):
    """A model of two terms, of which one has sites of several types."""
    terms = ["inverse_distances:width=300", "many_body:width=300"]
    return rfp_md.train(Dataset((ethanol[:120],)), descriptor=terms)


def member(potential, p):
    """One member as a potential of its own."""
    regressor = type(potential.regressor)(**potential.regressor.model_dump())
    state = potential.regressor.state
    regressor.restore({**state, "readout": state["readout"] + state["committee"][:, p]})
    return dataclasses.replace(potential, regressor=regressor)


@pytest.mark.parametrize("p", [0, 7])
def test_members_are_the_potentials_of_their_readouts(joint, ethanol, p):
    frames = ethanol[200:205]
    committee, alone = joint.committee(frames), member(joint, p).compute(frames)
    np.testing.assert_allclose(committee.energies[p], alone.energies, atol=1e-8)
    np.testing.assert_allclose(committee.forces[p], alone.forces, atol=1e-8)
    np.testing.assert_allclose(committee.virials[p], alone.virials, atol=1e-8)


def test_member_forces_are_gradients_of_member_energies(joint, ethanol):
    forces = joint.committee(ethanol[200:201]).forces[:, 0]
    numerical = central_differences(member(joint, 3), ethanol, 200, np.arange(27), 2e-4).reshape(9, 3)
    np.testing.assert_allclose(forces[3], numerical, atol=1e-6)
    assert np.abs(forces[3] - forces[4]).max() > 1e-3


def test_the_mean_of_the_members_is_the_model(joint, ethanol):
    frames = ethanol[200:230]
    mean, prediction = joint.committee(frames).mean, joint.compute(frames)
    for name in ("energies", "forces", "virials"):
        np.testing.assert_allclose(getattr(mean, name), getattr(prediction, name), atol=1e-9)


def test_energies_alone_have_the_same_deviations(joint, ethanol):
    frames = ethanol[200:230]
    np.testing.assert_allclose(joint.deviations(frames), joint.uncertainty(frames).energies, rtol=1e-6)


def test_many_structures_are_as_uncertain_as_each(joint, ethanol, monkeypatch):
    whole = joint.uncertainty(ethanol[200:220])
    monkeypatch.setattr("rfp_md.potential.CHUNK_NUMBERS", 1)
    parts = joint.uncertainty(ethanol[200:220])
    np.testing.assert_allclose(parts.energies, whole.energies, rtol=1e-8)
    np.testing.assert_allclose(parts.forces, whole.forces, rtol=1e-6)


def test_uncertainty_turns_with_the_molecule(joint, ethanol):
    turn = np.array([[0.36, 0.48, -0.8], [-0.8, 0.6, 0.0], [0.48, 0.64, 0.6]])
    one, turned = ethanol[200:201], ethanol.at(ethanol.positions[200:201] @ turn)
    np.testing.assert_allclose(joint.uncertainty(one).atoms, joint.uncertainty(turned).atoms, rtol=1e-6)


def test_uncertainty_grows_away_from_the_training_frames(joint, ethanol):
    frame = ethanol.positions[200]
    away = frame[0] - frame[1]  # one carbon from the other, with nothing that is bonded to it
    stretched = np.stack([frame + np.outer(np.arange(9) == 0, s * away / np.linalg.norm(away)) for s in (0.3, 0.6)])
    usual = joint.uncertainty(ethanol[200:300])
    near, far = joint.uncertainty(ethanol.at(stretched)).energies
    assert near > 3 * np.median(usual.energies)
    assert far > 3 * near
    assert joint.uncertainty(ethanol.at(stretched)).atoms.max() > 3 * np.median(usual.atoms.max(axis=1))


def test_errors_on_new_frames_are_as_large_as_predicted(joint, ethanol):
    found = summary(compare(joint, Dataset((ethanol[300:],))))
    assert 0.8 < found["force_error_over_std"] < 1.3
    assert 0.5 < found["energy_error_over_std"] < 2.0
    assert found["force_error_spearman"] > 0.3
    bins = found["force_calibration"]
    assert [part["std"] for part in bins] == sorted(part["std"] for part in bins)
    assert bins[-1]["rmse"] > 1.5 * bins[0]["rmse"]
    assert sum(part["n"] for part in bins) == 300 * 27


def test_the_same_seed_gives_the_same_committee(ethanol, tmp_path):
    for name in "ab":
        potential = rfp_md.train(Dataset((ethanol[:60],)), descriptor=["inverse_distances:width=100"], seed=3)
        save(potential, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    np.testing.assert_array_equal(
        load(tmp_path / "a").committee(ethanol[:3]).forces, potential.committee(ethanol[:3]).forces
    )


def test_a_file_from_before_there_were_committees_says_so(ethanol):
    old = load(ROOT / "tests/artifacts/format_1.rfp")
    with pytest.raises(UserError, match=r"has no committee and so no uncertainty: .*; train it again"):
        old.uncertainty(old.reference)


def test_a_regressor_without_one_is_named(ethanol):
    process = rfp_md.train(Dataset((ethanol[:30],)), descriptor=["inverse_distances"], regressor="gaussian_process")
    with pytest.raises(UserError, match="regressor 'gaussian_process' has no committee"):
        process.uncertainty(ethanol[:1])


def test_a_model_of_energies_only_has_deviations_and_no_uncertain_forces(ethanol):
    model = rfp_md.train(
        Dataset((ethanol[:100],)), descriptor=["inverse_distances:width=200"], regressor="rfnn:activation=relu"
    )
    assert (model.deviations(ethanol[100:110]) > 0).all()
    with pytest.raises(UserError, match="fitted to energies only"):
        model.uncertainty(ethanol[:1])
    found = summary(compare(model, Dataset((ethanol[100:200],))))
    assert found["force_calibration"] is None
    assert 0.3 < found["energy_error_over_std"] < 3


@pytest.mark.parametrize("shape", [(599, 8), (600, 1), (600,)])
def test_a_committee_of_another_size_is_refused_on_reading(joint, shape):
    regressor = type(joint.regressor)(**joint.regressor.model_dump())
    sites = [describe(descriptor, joint.reference) for descriptor in joint.descriptors]
    terms = tuple(Term(one.values.shape[2], tuple(sorted(set(one.types.tolist())))) for one in sites)
    model = Surroundings(tuple(joint.elements), joint.reference.n_atoms, terms)
    with pytest.raises(ValueError, match="committee has"):
        restored(regressor, {**joint.regressor.state, "committee": np.zeros(shape)}, model)


def test_calibration_of_right_predictions_is_the_diagonal(rng):
    deviations = rng.uniform(0.1, 2.0, 20_000)
    for part in calibration(deviations * rng.standard_normal(20_000), deviations):
        assert part["rmse"] == pytest.approx(part["std"], rel=0.1)
    assert calibration(np.array([1.0]), np.array([2.0])) == [{"n": 1, "std": 2e3, "rmse": 1e3}]


def test_ranks_without_an_order_have_no_correlation():
    assert spearman(np.ones(5), np.arange(5.0)) is None
    assert spearman(np.array([1.0]), np.array([1.0])) is None
    assert spearman(np.exp(np.arange(5.0)), np.arange(5.0)) == pytest.approx(1)


def test_the_plot_is_written(joint, ethanol, tmp_path):
    save(joint, tmp_path / "model.rfp")
    result = rfp_md.evaluate(
        tmp_path / "model.rfp", f"{ETHANOL}@300:400", uncertainty=True, plot=tmp_path / "reliability.png"
    )
    assert (tmp_path / "reliability.png").read_bytes().startswith(b"\x89PNG")
    assert result["uncertainty"]["force_std_mev_per_angstrom"] > 0
