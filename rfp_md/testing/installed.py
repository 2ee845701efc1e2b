"""The checks over whatever is installed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rfp_md import plugins
from rfp_md.errors import UserError
from rfp_md.testing.baselines import baseline_outcomes
from rfp_md.testing.descriptors import descriptor_outcomes
from rfp_md.testing.outcomes import Outcome, raise_failures
from rfp_md.testing.regressors import regressor_outcomes

OUTCOMES: dict[plugins.Kind, Callable[[Any], list[Outcome]]] = {
    "descriptor": descriptor_outcomes,
    "regressor": regressor_outcomes,
    "baseline": baseline_outcomes,
}


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
    if given := getattr(plugin, "given", ()):
        reason = f"needs {given[0]}=…; give check_{kind} one that has it"
        return [Outcome("loads", "held"), Outcome("fits", "skipped", reason)]
    return [Outcome("loads", "held"), *OUTCOMES[kind](plugin)]
