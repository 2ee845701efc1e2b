"""The rfp command: its verbs."""

from __future__ import annotations

import typer

from rfp_md.cli import data, drift, evaluate, info, plugins, report, sample, thesis, train, validate
from rfp_md.cli.console import run_app

app = typer.Typer(
    help="Random-feature potentials for molecular dynamics.",
    invoke_without_command=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback()
def default(context: typer.Context) -> None:
    """Random-feature potentials for molecular dynamics."""
    if context.invoked_subcommand is None:
        print(context.get_help())


app.command("sample")(sample.command)
app.command("train", cls=train.TrainCommand)(train.command)
app.command("evaluate")(evaluate.command)
app.command("info")(info.command)
app.command("validate")(validate.make_command())
app.command("drift")(drift.command)
app.command("report")(report.command)
app.add_typer(data.app, name="data")
app.add_typer(thesis.app, name="thesis")
app.add_typer(plugins.app, name="plugins")


def main() -> None:
    run_app(app, "rfp")
