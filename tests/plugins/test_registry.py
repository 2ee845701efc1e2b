import pytest

import rfp_md
from rfp_md.errors import UserError
from rfp_md.frames import Dataset
from rfp_md.plugins import registry as plugins
from tests.dummies import register


def test_built_ins_come_from_the_same_entry_points_as_everybody():
    assert {(line.kind, line.name, line.package, line.status) for line in plugins.listing()} >= {
        ("descriptor", "inverse_distances", "rfp-md", "ok"),
        ("regressor", "random_fourier", "rfp-md", "ok"),
        ("regressor", "rfnn", "rfp-md", "ok"),
        ("baseline", "elements", "rfp-md", "ok"),
    }


def test_an_unknown_name_gets_the_closest_match():
    with pytest.raises(UserError, match="no descriptor is named 'inverse_distance'; did you mean 'inverse_distances'"):
        plugins.create("descriptor", "inverse_distance", {})
    with pytest.raises(UserError, match="no regressor is named 'xyz'; known are gaussian_process, kernel_ridge"):
        plugins.create("regressor", "xyz", {})


def test_an_unknown_parameter_gets_the_closest_match():
    with pytest.raises(UserError, match="'rfnn' has no parameter 'activations'; did you mean 'activation'"):
        plugins.create("regressor", "rfnn", {"activations": "tanh"})


def test_a_bad_value_is_named():
    with pytest.raises(UserError, match="regressor 'rfnn': activation=softmax: Input should be 'tanh'"):
        plugins.create("regressor", "rfnn", {"activation": "softmax"})


def test_a_broken_plugin_is_named_and_hurts_no_other(monkeypatch):
    register(monkeypatch, "broken", "no_such_module:Thing")
    lines = {line.name: line for line in plugins.listing()}
    assert "its entry point names 'no_such_module', which is not there" in lines["broken"].status
    assert lines["inverse_distances"].status == "ok"
    assert plugins.create("descriptor", "inverse_distances", {}).symmetrize


def module(tmp_path, monkeypatch, name, text):
    """An importable module with this text."""
    (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)


GOOD = """
from typing import ClassVar
import numpy as np
from rfp_md.descriptors import Capabilities, Descriptor

class Good(Descriptor):
    name: ClassVar[str] = "good"
    capabilities: ClassVar[Capabilities] = Capabilities(differentiable=True)
    def site_types(self, numbers): return np.zeros(1, int)
    def values(self, frames): return frames.positions.reshape(len(frames), 1, -1).copy()
    def jacobian(self, frames):
        n = frames.n_atoms
        return np.tile(np.eye(3 * n).reshape(1, 1, 3 * n, n, 3), (len(frames), 1, 1, 1, 1))
"""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("raise RuntimeError('boom')", r"'good' of .* cannot be loaded \(RuntimeError: boom\)"),
        ("import libwonder", "'good' of .* needs 'libwonder', which is not installed; pip install it"),
        ("Good = 3", "'good' of .* cannot be used: it is no subclass of rfp_md.descriptors.base.Descriptor"),
        (GOOD.replace('"good"', '"bad"'), "cannot be used: its class has name = 'bad', but its entry point is 'good'"),
        (GOOD.replace("def values", "def value"), "cannot be used: it does not define values"),
    ],
)
def test_a_plugin_that_cannot_be_used_says_why(tmp_path, monkeypatch, text, message):
    name = f"plugin_{abs(hash(text))}"
    module(tmp_path, monkeypatch, name, text)
    register(monkeypatch, "good", f"{name}:Good")
    with pytest.raises(UserError, match=message):
        plugins.create("descriptor", "good", {})
    assert {line.name: line.status for line in plugins.listing()}["rfnn"] == "ok"


def test_a_missing_library_whose_name_begins_the_plugin_s_own_is_not_taken_for_it(tmp_path, monkeypatch):
    module(tmp_path, monkeypatch, "libwonder_descriptors", "import libwonder")
    register(monkeypatch, "good", "libwonder_descriptors:Good")
    with pytest.raises(UserError, match="needs 'libwonder', which is not installed"):
        plugins.create("descriptor", "good", {})


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (".copy()", ".astype('f4')", "values returned float32, not a float64 array"),
        (".copy()", "* np.nan", "values returned numbers that are not finite"),
        (
            "(len(frames), 1, -1)",
            "(len(frames), -1)",
            r"values returned shape \(1, 27\) instead of \(1, 1, D\)",
        ),
        ("np.zeros(1, int)", "np.zeros(1)", "site_types must return one whole number for each site"),
        ("np.tile(", "2 * np.tile(", "declares differentiable, but its derivative is off by"),
        ("differentiable=True", "differentiable=True, translation_invariant=True", "declares translation_invariant"),
        ("differentiable=True", "differentiable=True, rotation_invariant=True", "declares rotation_invariant"),
        ("n, n, 3), (len", "n, n, 3)[..., :-1, :], (len", r"jacobian returned shape \(1, 1, 27, 8, 3\) instead of"),
        ("def jacobian", "def jacobean", "it does not define jacobian or pullback"),
        ("np.eye", "np.nope", r"jacobian failed in .* line \d+, AttributeError"),
    ],
)
def test_a_plugin_that_misbehaves_is_named_when_it_is_used(tmp_path, monkeypatch, ethanol, old, new, message):
    text = GOOD.replace(old, new)
    name = f"plugin_{abs(hash(text))}"
    module(tmp_path, monkeypatch, name, text)
    register(monkeypatch, "good", f"{name}:Good")
    with pytest.raises(UserError, match=f"descriptor 'good'.*{message}"):
        rfp_md.train(Dataset((ethanol[:30],)), descriptor=["good"], regressor="rfnn:width=20")


def test_a_name_that_two_packages_register_is_refused(monkeypatch):
    register(monkeypatch, "rfnn", "somewhere:Else", kind="regressor")
    with pytest.raises(UserError, match="regressor 'rfnn' is registered by rfp-md and unknown; uninstall unknown"):
        plugins.create("regressor", "rfnn", {})
    assert plugins.create("regressor", "random_fourier", {}).name == "random_fourier"


def test_parameters_come_from_the_plugin_s_own_definition():
    (_, plugin), *_ = plugins.find("rfnn")
    fields = {field.name: field for field in plugins.parameters(plugin)}
    assert fields["activation"].type == "one of tanh, gelu, relu, sin, cos"
    assert fields["weight_scale"].default == 0.2
    assert all(field.help for field in fields.values())
