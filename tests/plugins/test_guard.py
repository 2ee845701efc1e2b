"""A regressor that misbehaves is named, whatever it does; one that is no FeatureRegressor is served as any other."""

import json
from typing import ClassVar

import numpy as np
import pytest

import rfp_md
from rfp_md.errors import UserError
from rfp_md.frames import Dataset
from rfp_md.plugins import registry as plugins
from rfp_md.regressors import Regressor
from tests.conftest import BENZENE
from tests.programs import rfp


class Flat(Regressor):
    """E = c, whatever the sites."""

    name: ClassVar[str] = "flat"

    def fit(self, train, valid, widths, rng, progress):
        self.state["c"] = np.zeros(1)
        return {"constant": 0.0}

    def predict(self, terms):
        return np.zeros(len(terms[0].values)), [np.zeros_like(sites.values) for sites in terms]


def fit_returns(report):
    return lambda self, *arguments: report


def predict_returns(change):
    return lambda self, terms: change(*Flat.predict(self, terms))


def state_is(array):
    def fit(self, *arguments):
        self.state["c"] = array
        return {}

    return fit


def own_attribute(self, *arguments):
    self.c = 3


@pytest.fixture
def use(monkeypatch):
    """Make a class the plugin 'flat'."""
    load = plugins.load

    def install(regressor):
        monkeypatch.setattr(plugins, "load", lambda kind, name: regressor if name == "flat" else load(kind, name))

    return install


def test_any_regressor_trains(use, ethanol):
    use(Flat)
    potential = rfp_md.train(Dataset((ethanol[:20],)), regressor="flat", preset="fast")
    assert potential.record["fit"] == {"constant": 0.0}
    assert not potential.compute(ethanol[:3]).forces.any()


@pytest.mark.parametrize(
    ("method", "replacement", "message"),
    [
        ("fit", fit_returns({"x": np.zeros(2)}), r"fit must return what JSON can hold"),
        ("fit", lambda self: {}, r"fit failed in .* line \d+, TypeError"),
        ("fit", state_is(np.zeros(3, dtype=np.float32)), r"state\['c'\] is float32; store a float64 or int64 array"),
        ("fit", state_is([1, 2]), r"state\['c'\] is list; store"),
        ("fit", state_is(np.array([np.nan])), r"state\['c'\] has numbers that are not finite"),
        ("fit", own_attribute, r"attributes are frozen; keep what it learns in self.state\['c'\]"),
        ("predict", predict_returns(lambda e, g: (e[:, None], g)), r"predict, energies, returned shape \(1, 1\)"),
        ("predict", predict_returns(lambda e, g: (e.astype("f4"), g)), "predict, energies, returned float32"),
        ("predict", predict_returns(lambda e, g: (e, g * 2)), "a list of 1 gradients, one for each term"),
        ("predict", predict_returns(lambda e, g: (e, [g[0][0]])), r"predict, gradient of term 0, returned shape"),
        ("predict", predict_returns(lambda e, g: (e, None)), "a list of 1 gradients, one for each term"),
        ("predict", predict_returns(lambda e, g: 1 / 0), r"predict failed in .*, ZeroDivisionError"),
    ],
)
def test_a_regressor_that_misbehaves_is_named(use, ethanol, method, replacement, message):
    use(type("Planted", (Flat,), {method: replacement}))
    with pytest.raises(UserError, match=f"regressor 'flat': .*{message}"):
        rfp_md.train(Dataset((ethanol[:20],)), regressor="flat", preset="fast").compute(ethanol[:1])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda e, g: e, "committee must return energies and a list of 1 gradients"),
        (lambda e, g: (e, g), r"committee, energies, returned shape \(1,\)"),
        (lambda e, g: (e[None], [g[0][None]]), "committee returned fewer than two members"),
        (lambda e, g: (np.stack([e, e]), g), r"committee, gradient of term 0, returned shape"),
    ],
)
def test_a_committee_that_misbehaves_is_named(use, ethanol, change, message):
    use(type("Planted", (Flat,), {"committee": predict_returns(change)}))
    potential = rfp_md.train(Dataset((ethanol[:20],)), regressor="flat", preset="fast")
    with pytest.raises(UserError, match=f"regressor 'flat': .*{message}"):
        potential.committee(ethanol[:1])


def test_a_descriptor_without_derivatives_is_refused_before_the_fit(monkeypatch, ethanol):
    from rfp_md.descriptors import Capabilities
    from rfp_md.descriptors.thesis.cartesian import Cartesian

    monkeypatch.setattr(Cartesian, "capabilities", Capabilities(fixed_composition=True))
    with pytest.raises(UserError, match="'cartesian' does not declare differentiable, so that forces cannot be fitted"):
        rfp_md.train(Dataset((ethanol[:20],)), descriptor=["cartesian"])


def test_frames_of_other_elements_are_refused_by_evaluate(model):
    result = rfp("evaluate", model, BENZENE)
    assert result.returncode == 2
    assert "the model was trained on C2OH6" in result.stderr


def test_an_energies_only_model_goes_through_the_command_line(tmp_path):
    model = tmp_path / "relu.rfp"
    result = rfp("train", f"{BENZENE}@:60", "-o", model, "--regressor", "rfnn:activation=relu,width=50")
    assert result.returncode == 0, result.stderr
    assert "fitted to energies only" in result.stderr
    assert json.loads(rfp("evaluate", model, f"{BENZENE}@500:", "--json").stdout)["force_mae_mev_per_angstrom"] is None
