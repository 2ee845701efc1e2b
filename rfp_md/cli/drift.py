"""rfp drift"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from rfp_md.cli.console import print_json, print_values
from rfp_md.cli.options import Debug, Json


def command(
    file: Annotated[Path, typer.Argument(help="An i-PI properties file, a LAMMPS log, or ASE's MD log.")],
    atoms: Annotated[int | None, typer.Option(min=1, help="Atoms of the system, where the file does not say.")] = None,
    column: Annotated[str | None, typer.Option(help="What to take for the conserved energy.")] = None,
    units: Annotated[str | None, typer.Option(help="LAMMPS's units, where the log does not state them.")] = None,
    timestep: Annotated[float | None, typer.Option(help="fs, for a file that has steps and no time.")] = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Fit the drift of the conserved energy of a run."""
    from rfp_md.logs.drift_file import drift_file

    result = drift_file(file, atoms=atoms, column=column, units=units, timestep=timestep)
    if result["warning"] is not None:
        print(f"warning: {file}: {result['warning']}", file=sys.stderr)
    if json:
        print_json(result)
    else:
        del result["warning"]
        if result["n_atoms"] is None:
            result["n_atoms"] = "not stated; --atoms N gives the figures that are missing"
        print_values({key: value for key, value in result.items() if value is not None}, str(file))
