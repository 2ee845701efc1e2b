"""rfp evaluate"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from rfp_md.cli.console import print_json, print_rows, print_values
from rfp_md.cli.options import Data, Debug, EnergyUnit, ForceUnit, Json, LengthUnit, Model


def command(
    model: Model,
    data: Data,
    plot: Annotated[
        Path | None, typer.Option(help="PNG for the parity plot; with --uncertainty, for its calibration.")
    ] = None,
    uncertainty: Annotated[
        bool, typer.Option("--uncertainty", help="Compare the errors with what the model's committee predicts of them.")
    ] = False,
    energy_unit: EnergyUnit = None,
    force_unit: ForceUnit = None,
    length_unit: LengthUnit = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Compare a model with reference frames: energies per molecule, forces per Cartesian component."""
    from rfp_md.evaluation.run import evaluate

    units = {"energy_unit": energy_unit, "force_unit": force_unit, "length_unit": length_unit}
    result = evaluate(model, data, plot=plot, uncertainty=uncertainty, **units)
    if result["leakage"] and result["leakage"]["leaks"]:
        print(f"warning: these frames are not new to the model: {result['leakage']['summary']}", file=sys.stderr)
    if json:
        print_json(result)
    else:
        leakage = result.pop("leakage")
        result["leakage"] = "unknown: the model's file does not know its training frames"
        if leakage is not None:
            result["leakage"] = leakage["summary"]
        found = result.pop("uncertainty", None)
        print_values(result, f"{model} on {', '.join(map(str, data))}")
        if found is not None:
            _print_uncertainty(found)


def _print_uncertainty(found: dict[str, Any]) -> None:
    """Its figures, and a table for each quantity: observed error by predicted standard deviation."""
    tables = {"energies, meV": found.pop("energy_calibration"), "forces, meV/Å": found.pop("force_calibration")}
    print_values(found, "uncertainty by the model's committee")
    for quantity, bins in tables.items():
        if bins is not None:
            print(f"calibration of {quantity}")
            rows = [[f"{part['std']:.3g}", f"{part['rmse']:.3g}", str(part["n"])] for part in bins]
            print_rows(["  predicted", "observed", "n"], [["  " + row[0], *row[1:]] for row in rows])
