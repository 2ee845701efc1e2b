"""rfp thesis"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rfp_md.cli.command import command_of
from rfp_md.cli.console import print_json, print_rows
from rfp_md.cli.options import Debug, Json
from rfp_md.cli.shown_progress import shown_progress
from rfp_md.errors import UserError
from rfp_md.thesis.options import ThesisRunOptions

app = typer.Typer(help="The thesis's tables: as data, run again, and compared.", no_args_is_help=True)


@app.command("list")
def list_(json: Json = False, debug: Debug = False) -> None:
    """List every row of every result table with the settings that made it."""
    from rfp_md.thesis.rows import all_rows

    if json:
        print_json([row.as_dict() for row in all_rows()])
        return
    columns = ("width E/F", "activation E/F", "λ E/F", "pairs")
    rows = [
        (
            row.table,
            row.molecule,
            row.model,
            row.descriptor,
            row.transformation,
            f"{row.energy.width}/{row.force.width}",
            f"{row.energy.activation}/{row.force.activation}",
            f"{row.energy.regularization:g}/{row.force.regularization:g}",
            row.heuristic,
        )
        for row in all_rows()
    ]
    print_rows(("table", "molecule", "model", "descriptor", "test frames", *columns), rows)


@app.command("run")
@command_of(ThesisRunOptions)
def run_(
    options: ThesisRunOptions,
    everything: Annotated[bool, typer.Option("--all", help="All tables.")] = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Train and judge the models of some tables."""
    from rfp_md.thesis.compare import HEADER, compare
    from rfp_md.thesis.run import run

    if bool(options.tables) == everything:
        raise UserError("name the tables, as in 'rfp thesis run 3.2 3.3', or say --all")
    with shown_progress() as progress:
        results = run(**vars(options) | {"progress": progress})
    if json:
        print_json(results)
    else:
        print_rows(HEADER, compare(results))


@app.command("compare")
def compare_(
    results: Annotated[Path, typer.Argument(help="What 'rfp thesis run -o' wrote.", metavar="RESULTS.jsonl")],
    as_csv: Annotated[bool, typer.Option("--csv", help="Comma-separated values.")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="A Markdown table.")] = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Print the thesis's figures, ours, and their ratio."""
    from rfp_md.thesis import compare

    if as_csv + as_markdown + json > 1:
        raise UserError("--csv, --markdown and --json exclude each other; give one")
    rows = compare.load_results(results)
    lines = compare.compare(rows)
    if json:
        print_json(rows)
    elif as_csv:
        print(compare.as_csv(lines), end="")
    elif as_markdown:
        print(compare.as_markdown(lines), end="")
    else:
        print_rows(compare.HEADER, lines)
