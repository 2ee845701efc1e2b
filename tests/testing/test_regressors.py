import importlib

import numpy as np
import pytest

from rfp_md.plugins.scaffold import new_plugin
from rfp_md.regressors.random_fourier import RandomFourier
from rfp_md.regressors.rfnn import RandomFeatureNetwork
from rfp_md.testing import check_regressor, regressor_outcomes


def failures(regressor):
    return {o.check: o.message for o in regressor_outcomes(regressor) if o.status == "failed"}


def test_the_template_conforms(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(new_plugin("my_sines", "regressor", tmp_path))
    check_regressor(importlib.import_module("rfp_my_sines.regressor").MySines())


def test_a_regressor_that_is_not_smooth_is_not_asked_for_slopes():
    outcomes = {o.check: o.status for o in regressor_outcomes(RandomFeatureNetwork(activation="relu", width=200))}
    assert outcomes["derivative"] == "skipped"
    assert "failed" not in outcomes.values()


def test_a_wrong_gradient_is_caught():
    class Planted(RandomFourier):
        def predict(self, terms):
            energies, gradients = super().predict(terms)
            return energies, [1.01 * gradient for gradient in gradients]

    assert "from central differences" in failures(Planted())["derivative"]


def test_forces_in_the_place_of_slopes_are_caught():
    class Planted(RandomFourier):
        def predict(self, terms):
            energies, gradients = super().predict(terms)
            return energies, [-gradient for gradient in gradients]

    found = failures(Planted())
    assert "derivative" in found
    assert "not forces" in found["learns"]


def test_unseeded_randomness_is_caught():
    class Planted(RandomFourier):
        def draw(self, sites, rng):
            return super().draw(sites, np.random.default_rng())

    assert "use the generator" in failures(Planted())["same seed same fit"]


def test_a_committee_around_another_model_is_caught():
    class Planted(RandomFourier):
        def committee(self, terms):
            energies, gradients = super().committee(terms)
            return energies + 0.01, gradients

    assert "centre the members on it" in failures(Planted())["committee"]


def test_a_report_that_json_cannot_hold_is_caught():
    class Planted(RandomFourier):
        def fit(self, *arguments):
            return super().fit(*arguments) | {"array": np.zeros(3)}

    assert "use float() and int()" in failures(Planted())["fit report"]


def test_every_defect_is_one_line():
    class Planted(RandomFourier):
        def predict(self, terms):
            raise RuntimeError("no")

    with pytest.raises(AssertionError) as caught:
        check_regressor(Planted())
    assert all(line.startswith("random_fourier: ") for line in str(caught.value).splitlines())
