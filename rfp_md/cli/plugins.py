"""rfp plugins"""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from rfp_md.cli.console import print_json, print_rows
from rfp_md.cli.options import Debug, Json

app = typer.Typer(help="Descriptors, regressors and baselines that are installed.", invoke_without_command=True)
Name = Annotated[str, typer.Argument(help="Name of a plugin.", metavar="NAME")]


@app.callback()
def default(context: typer.Context, json: Json = False, debug: Debug = False) -> None:
    """Descriptors, regressors and baselines that are installed; without a verb, their list."""
    if context.invoked_subcommand is None:
        list_(json)


@app.command("list")
def list_(json: Json = False, debug: Debug = False) -> None:
    """Every registered plugin; a broken one with its reason."""
    from rfp_md.plugins.registry import listing

    lines = listing()
    if json:
        print_json([asdict(line) for line in lines])
        return
    rows = [
        (line.kind, line.name, f"{line.package} {line.version}", line.status, ", ".join(line.capabilities) or "–")
        for line in lines
    ]
    print_rows(("kind", "name", "package", "status", "capabilities"), rows)


@app.command("show")
def show(name: Name, json: Json = False, debug: Debug = False) -> None:
    """Equation, reference and parameters of a plugin."""
    from rfp_md.plugins.registry import find, origin, parameters

    found = [(kind, plugin, parameters(plugin)) for kind, plugin in find(name)]
    if json:
        print_json([_as_json(kind, plugin, fields) for kind, plugin, fields in found])
        return
    for kind, plugin, fields in found:
        package, version = origin(kind, name)
        print(f"{kind} {name} ({package} {version})\n")
        print(_documentation(plugin))
        print()
        rows = [(field.name, str(field.default), field.type, field.help) for field in fields]
        print_rows(("parameter", "default", "type", "meaning"), rows)


@app.command("check")
def check(name: Name, json: Json = False, debug: Debug = False) -> None:
    """Run the conformance kit on a plugin; exit code 1 if a check fails."""
    from rfp_md.plugins.registry import find
    from rfp_md.testing import plugin_outcomes

    outcomes = [outcome for kind, _ in find(name) for outcome in plugin_outcomes(kind, name)]
    passed = all(outcome.status != "failed" for outcome in outcomes)
    if json:
        print_json({"passed": passed, "checks": [asdict(outcome) for outcome in outcomes]})
    else:
        print_rows(("check", "status", ""), [(o.check, o.status, o.message) for o in outcomes])
        print(f"\n{name} {'conforms' if passed else 'does not conform'}")
    if not passed:
        raise typer.Exit(1)


@app.command("new")
def new(
    name: Name,
    kind: Annotated[str, typer.Option(help="descriptor, regressor or baseline.")],
    debug: Debug = False,
) -> None:
    """Write a new plugin package, with a working example, tests and README, into this folder."""
    from rfp_md.errors import check_choice
    from rfp_md.plugins.base import ENTRY_POINTS
    from rfp_md.plugins.scaffold import new_plugin

    check_choice("--kind", kind, tuple(ENTRY_POINTS))
    root = new_plugin(name, kind)  # type: ignore[arg-type]
    print(f"{root}: now run  pip install -e {root}  and  rfp plugins check {name}")


def _as_json(kind: str, plugin: Any, fields: list[Any]) -> dict[str, Any]:
    described = [asdict(field) for field in fields]
    return {"kind": kind, "name": plugin.name, "documentation": _documentation(plugin), "parameters": described}


def _documentation(plugin: Any) -> str:
    import inspect

    return inspect.getdoc(plugin) or "no documentation"
