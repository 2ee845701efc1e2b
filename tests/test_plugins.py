import pytest

from rfp_md import plugins
from rfp_md.errors import UserError


def register(monkeypatch, name, value, kind="descriptor"):
    """One more entry point beside the installed ones."""
    from importlib.metadata import EntryPoint

    installed = plugins._points
    extra = EntryPoint(name, value, plugins.GROUPS[kind])
    monkeypatch.setattr(plugins, "_points", lambda k: installed(k) + ([extra] if k == kind else []))


def test_built_ins_come_from_the_same_entry_points_as_everybody():
    assert {(line.kind, line.name, line.package, line.status) for line in plugins.listing()} >= {
        ("descriptor", "inverse_distances", "rfp-md", "ok"),
        ("regressor", "random_fourier", "rfp-md", "ok"),
        ("regressor", "rfnn", "rfp-md", "ok"),
    }


def test_an_unknown_name_gets_the_closest_match():
    with pytest.raises(UserError, match="no descriptor is named 'inverse_distance'; did you mean 'inverse_distances'"):
        plugins.create("descriptor", "inverse_distance", {})
    with pytest.raises(UserError, match="no regressor is named 'xyz'; known are random_fourier, rfnn"):
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
    assert lines["broken"].status.startswith("broken: descriptor 'broken' of unknown")
    assert lines["inverse_distances"].status == "ok"
    with pytest.raises(UserError, match=r"cannot be loaded .ModuleNotFoundError"):
        plugins.create("descriptor", "broken", {})
