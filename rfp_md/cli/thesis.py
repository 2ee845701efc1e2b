"""rfp thesis"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rfp_md.cli.console import BarProgress, print_json, print_rows
from rfp_md.cli.options import Debug, Json
from rfp_md.errors import UserError

app = typer.Typer(help="The thesis's tables: as data, run again, and compared.", no_args_is_help=True)


@app.command("list")
def list_(json: Json = False, debug: Debug = False) -> None:
    """Every row of every result table with the settings that made it."""
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
def run_(
    data: Annotated[Path, typer.Option(envvar="RFP_DATA", help="Folder of the rMD17 files or of trajectories.")],
    tables: Annotated[list[str] | None, typer.Argument(help="Numbers of tables, as in 3.10.", metavar="TABLE")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All tables.")] = False,
    protocol: Annotated[str, typer.Option(help="rmd17, clean, or author (the leaking draw, a control).")] = "rmd17",
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="JSON lines, written row by row; a run goes on from them.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of everything random.")] = 0,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Train and judge the models of some tables."""
    from rfp_md.thesis.compare import HEADER, compare
    from rfp_md.thesis.run import run

    if bool(tables) == everything:
        raise UserError("name the tables, as in 'rfp thesis run 3.2 3.3', or say --all")
    progress = BarProgress()
    try:
        results = run(tables or (), data=data, protocol=protocol, output=output, seed=seed, progress=progress)  # type: ignore[arg-type]
    finally:
        progress.stop()
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
    """The thesis's figures, ours, and their ratio."""
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
