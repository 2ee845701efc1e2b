"""rfp plugins"""

from __future__ import annotations

from dataclasses import asdict

import typer

from rfp_md.cli.console import print_json, print_rows
from rfp_md.cli.options import Debug, Json

app = typer.Typer(help="Descriptors and regressors that are installed.", invoke_without_command=True)


@app.callback()
def default(context: typer.Context) -> None:
    """Without a verb, the list."""
    if context.invoked_subcommand is None:
        list_()


@app.command("list")
def list_(json: Json = False, debug: Debug = False) -> None:
    """Every registered plugin; a broken one with its reason."""
    from rfp_md.plugins import listing

    lines = listing()
    if json:
        print_json([asdict(line) for line in lines])
        return
    rows = [
        (line.kind, line.name, f"{line.package} {line.version}", line.status, ", ".join(line.capabilities) or "–")
        for line in lines
    ]
    print_rows(("kind", "name", "package", "status", "capabilities"), rows)
