"""rfp validate"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from rfp_md.cli.console import print_json, print_values
from rfp_md.cli.options import Debug, Json, Model, was_given
from rfp_md.errors import UserError


class Check(StrEnum):
    forces = "forces"
    nve = "nve"


class Engine(StrEnum):
    ase = "ase"
    ipi = "ipi"


QUICK_LENGTH = 2.0  # ps
OF_NVE = ("engine", "length", "timestep", "temperature", "plot", "quick")


def command(
    context: typer.Context,
    model: Model,
    check: Annotated[Check, typer.Argument(help="forces: against central differences; nve: energy drift.")],
    engine: Annotated[Engine, typer.Option(help="What runs the dynamics of nve.")] = Engine.ase,
    length: Annotated[float, typer.Option(help="Length of the NVE run, ps.")] = 20.0,
    timestep: Annotated[float, typer.Option(help="Timestep of the NVE run, fs.")] = 0.5,
    temperature: Annotated[float, typer.Option(help="Temperature of the initial velocities, K.")] = 300.0,
    seed: Annotated[int, typer.Option(min=0, help="Seed of velocities and displacements.")] = 0,
    plot: Annotated[Path | None, typer.Option(help="PNG for the conserved energy of nve.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help=f"NVE for {QUICK_LENGTH:g} ps only.")] = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Check a model; exit code 1 if it fails."""
    from rfp_md.validation import validate

    given = [name for name in OF_NVE if was_given(context, name)]
    if check is Check.forces and given:
        raise UserError(f"--{given[0]} has no effect on 'validate forces'; leave it out, or validate nve")
    if quick and "length" in given:
        raise UserError("--quick and --length exclude each other; give one")
    options: dict[str, Any] = {"seed": seed}
    if check is Check.nve:
        options |= {
            "length": QUICK_LENGTH if quick else length,
            "timestep": timestep,
            "temperature": temperature,
            "engine": engine.value,
            "plot": plot,
        }
    result = validate(model, check.value, **options)
    if json:
        print_json(result)
    else:
        print_values(result, f"{model}: {check.value}")
    if not result["passed"]:
        raise typer.Exit(1)
