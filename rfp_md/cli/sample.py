"""rfp sample"""

from __future__ import annotations

import contextlib
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from rfp_md.cli.console import BarProgress, print_json, print_values
from rfp_md.cli.options import Debug, Json


class Thermostat(StrEnum):
    langevin = "langevin"
    none = "none"


def command(
    start: Annotated[str, typer.Argument(help="A structure: its last frame is taken.", metavar="START")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The extxyz file to write.")],
    calculator: Annotated[str, typer.Option(help="ASE calculator, MODULE:CLASS, as in tblite.ase:TBLite.")],
    calculator_arg: Annotated[
        list[str] | None, typer.Option(help="KEY=VALUE for the calculator, once for each argument.")
    ] = None,
    frames: Annotated[int, typer.Option(help="Frames to keep.")] = 500,
    stride: Annotated[int, typer.Option(help="Steps from one frame, and one checkpoint, to the next.")] = 20,
    timestep: Annotated[float, typer.Option(help="Timestep, fs.")] = 0.5,
    temperature: Annotated[float, typer.Option(help="Of the initial velocities and of the thermostat, K.")] = 300.0,
    thermostat: Annotated[Thermostat, typer.Option(help="none: constant energy.")] = Thermostat.langevin,
    friction: Annotated[
        float | None, typer.Option(help="Friction of the Langevin thermostat, 1/fs; default: 0.01.")
    ] = None,
    warm_up: Annotated[int, typer.Option(help="Steps before the first stride.")] = 2000,
    seed: Annotated[int, typer.Option(help="Seed of velocities and thermostat.")] = 0,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Make reference frames by molecular dynamics with any ASE calculator.

    However a run ended, kill -9 included, the same command goes on where it was, and gives the same frames.
    """
    from rfp_md.sampling.run import sample

    progress = BarProgress()
    try:
        # What a calculator prints belongs to the progress, not to our output.
        with contextlib.redirect_stdout(sys.stderr):
            result = sample(
                start,
                output,
                calculator=calculator,
                calculator_arg=calculator_arg or [],
                frames=frames,
                stride=stride,
                timestep=timestep,
                temperature=temperature,
                thermostat=thermostat.value,
                friction=friction,
                warm_up=warm_up,
                seed=seed,
                progress=progress,
            )
    finally:
        progress.stop()
    if json:
        print_json(result)
    else:
        print_values({key.replace("_", " "): value for key, value in result.items() if key != "output"}, str(output))
