"""rfp evaluate"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from rfp_md.cli.console import print_json, print_values
from rfp_md.cli.options import Data, Debug, EnergyUnit, ForceUnit, Json, LengthUnit, Model


def command(
    model: Model,
    data: Data,
    plot: Annotated[Path | None, typer.Option(help="PNG for the parity plot.")] = None,
    energy_unit: EnergyUnit = None,
    force_unit: ForceUnit = None,
    length_unit: LengthUnit = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Compare a model with reference frames: energies per molecule, forces per Cartesian component."""
    from rfp_md.evaluation import evaluate

    result = evaluate(model, data, plot=plot, energy_unit=energy_unit, force_unit=force_unit, length_unit=length_unit)
    if result["leakage"] and result["leakage"]["leaks"]:
        print(f"warning: these frames are not new to the model: {result['leakage']['summary']}", file=sys.stderr)
    if json:
        print_json(result)
    else:
        leakage = result.pop("leakage")
        result["leakage"] = "unknown: the model's file does not know its training frames"
        if leakage is not None:
            result["leakage"] = leakage["summary"]
        print_values(result, f"{model} on {', '.join(map(str, data))}")
