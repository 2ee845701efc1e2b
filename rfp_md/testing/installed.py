"""The checks over whatever is installed."""

from __future__ import annotations

from rfp_md import plugins
from rfp_md.errors import UserError
from rfp_md.testing.descriptors import descriptor_outcomes
from rfp_md.testing.outcomes import Outcome, raise_failures
from rfp_md.testing.regressors import regressor_outcomes


def installed_plugins() -> list[tuple[plugins.Kind, str]]:
    """Kind and name of every registered plugin, for pytest.mark.parametrize."""
    return [(line.kind, line.name) for line in plugins.listing()]


def check_plugin(kind: plugins.Kind, name: str) -> None:
    """Raise AssertionError with one sentence for each defect of an installed plugin."""
    raise_failures(name, plugin_outcomes(kind, name))


def plugin_outcomes(kind: plugins.Kind, name: str) -> list[Outcome]:
    """Run every check of an installed plugin at its default parameters; nothing is raised."""
    try:
        plugin = plugins.create(kind, name, {})
    except UserError as error:
        return [Outcome("loads", "failed", str(error))]
    outcomes = descriptor_outcomes(plugin) if kind == "descriptor" else regressor_outcomes(plugin)
    return [Outcome("loads", "held"), *outcomes]
