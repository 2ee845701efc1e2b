"""Options that every command has, which are no verb's."""

from __future__ import annotations

from typing import Annotated

import typer


def was_given(context: typer.Context, name: str) -> bool:
    """Whether the command line sets this option itself."""
    source = context.get_parameter_source(name)
    return source is not None and source.name != "DEFAULT"


Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout and nothing else.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
