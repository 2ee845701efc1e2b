"""Options that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def was_given(context: typer.Context, name: str) -> bool:
    """Whether the command line sets this option itself."""
    source = context.get_parameter_source(name)
    return source is not None and source.name != "DEFAULT"


Data = Annotated[list[Path], typer.Argument(help="Reference frames: extxyz, npz, or what ASE reads.", metavar="DATA")]
Model = Annotated[Path, typer.Argument(help="A .rfp file.", metavar="MODEL.rfp")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout and nothing else.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
EnergyUnit = Annotated[str | None, typer.Option(help="Energy unit of the files, if they do not state it.")]
ForceUnit = Annotated[str | None, typer.Option(help="Force unit of the files; default: energy unit / length unit.")]
LengthUnit = Annotated[str | None, typer.Option(help="Length unit of the files, if they do not state it.")]
