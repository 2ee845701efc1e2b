"""Fits to nested subsets of the training frames."""

import json
from itertools import pairwise

import numpy as np
import pytest

import rfp_md
from rfp_md.errors import UserError
from rfp_md.frames import Dataset
from rfp_md.potential import Potential
from rfp_md.regressors.random_fourier import RandomFourier
from rfp_md.training.learning_curve import beside, learning_curve

FIGURES = {"width": 7, "valid_energy_mae_ev": 0.002, "valid_force_mae_ev_per_angstrom": 0.05}
TRAIN = np.arange(100, 130)


class Fits:
    """Stands in for fits; keeps the frames of each, and is interrupted where it is told to be."""

    def __init__(self, reference, *, report=FIGURES, most=1000):
        self.reference, self.report, self.most, self.subsets = reference, report, most, []

    def __call__(self, indices):
        if len(indices) > self.most:
            raise KeyboardInterrupt
        self.subsets.append(set(indices.tolist()))
        record = {"fit": dict(self.report)}
        return Potential((), [], [], RandomFourier(), self.reference[:1], record=record)


def run(fits, sizes, rng, **options):
    return learning_curve(fits, TRAIN, sizes, n_valid=5, rng=rng, **options)


def test_every_subset_holds_the_smaller_ones_and_the_last_is_everything(ethanol, rng):
    fits = Fits(ethanol)
    curve = run(fits, [20, 5, 10, 5], rng).record["learning_curve"]
    assert [len(subset) for subset in fits.subsets] == [5, 10, 20, 30]
    assert all(small < large for small, large in pairwise(fits.subsets))
    assert fits.subsets[-1] == set(TRAIN.tolist())
    assert curve["n_valid"] == 5
    assert [point["n_train"] for point in curve["points"]] == [5, 10, 20, 30]
    assert curve["points"][0] == {
        "n_train": 5,
        "width": 7,
        "valid_energy_mae_mev": 2.0,
        "valid_force_mae_mev_per_angstrom": 50.0,
    }


def test_a_size_of_all_frames_is_fitted_once(ethanol, rng):
    fits = Fits(ethanol)
    run(fits, [10, 30], rng)
    assert [len(subset) for subset in fits.subsets] == [10, 30]


@pytest.mark.parametrize(
    ("sizes", "message"),
    [([10, 31], "there are 30 training frames, beside 5 for"), ([0], "at least 1"), ([], "at least")],
)
def test_sizes_that_cannot_be_are_refused_before_any_fit(ethanol, rng, sizes, message):
    fits = Fits(ethanol)
    with pytest.raises(UserError, match=message):
        run(fits, sizes, rng)
    assert fits.subsets == []


def test_an_interrupted_run_leaves_the_figures_of_its_finished_fits(ethanol, rng, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run(Fits(ethanol, most=15), [5, 10, 20], rng, output=tmp_path / "m.rfp")
    assert [path.name for path in tmp_path.iterdir()] == ["m.learning_curve.json"]
    points = json.loads((tmp_path / "m.learning_curve.json").read_text())["points"]
    assert [point["n_train"] for point in points] == [5, 10]


def test_a_regressor_without_validation_errors_is_named(ethanol, rng):
    with pytest.raises(UserError, match="'random_fourier' reports no 'valid_energy_mae_ev'"):
        run(Fits(ethanol, report={}), [5], rng)


@pytest.mark.parametrize(("model", "name"), [("a.rfp", "a"), ("a.v2", "a.v2"), ("a", "a")])
def test_the_curve_is_named_after_its_model(model, name):
    assert str(beside(f"folder/{model}", "png")) == f"folder/{name}.learning_curve.png"


def test_the_last_model_is_the_one_that_a_plain_training_gives(ethanol, tmp_path):
    frames, options = Dataset((ethanol[:60],)), {"regressor": "random_fourier:width=50", "seed": 3}
    plain = rfp_md.train(frames, **options)
    last = rfp_md.train(frames, **options, learning_curve=[20], output=tmp_path / "m.rfp")
    np.testing.assert_array_equal(last.regressor.state["readout"], plain.regressor.state["readout"])
    np.testing.assert_array_equal(last.split["train"], plain.split["train"])
    assert last.record.pop("learning_curve") == rfp_md.load(tmp_path / "m.rfp").record["learning_curve"]
    assert last.record == plain.record


def test_a_direct_model_has_a_curve_too(ethanol):
    frames = Dataset((ethanol[:40],))
    model = rfp_md.train(frames, target="direct", regressor="rfnn:width=10", learning_curve=[20])
    for point in model.record["learning_curve"]["points"]:
        assert point["width"] == 10
        assert point["valid_energy_mae_mev"] > 0
        assert point["valid_force_mae_mev_per_angstrom"] > 0


def test_a_fit_to_energies_only_has_no_curve_of_forces(ethanol, tmp_path):
    regressor = "rfnn:width=10,activation=relu"
    rfp_md.train(Dataset((ethanol[:40],)), regressor=regressor, learning_curve=[20], output=tmp_path / "m.rfp")
    points = json.loads((tmp_path / "m.learning_curve.json").read_text())["points"]
    assert all(point["valid_force_mae_mev_per_angstrom"] is None for point in points)
    assert (tmp_path / "m.learning_curve.png").is_file()
