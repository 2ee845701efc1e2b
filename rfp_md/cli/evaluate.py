"""rfp evaluate"""

from __future__ import annotations

import sys
from typing import Any

from rfp_md.cli.command import command_of
from rfp_md.cli.console import print_json, print_rows, print_values
from rfp_md.cli.options import Debug, Json
from rfp_md.evaluation.options import EvaluateOptions


@command_of(EvaluateOptions)
def command(options: EvaluateOptions, json: Json = False, debug: Debug = False) -> None:
    """Compare a model with reference frames: energies per molecule, forces per Cartesian component."""
    from rfp_md.evaluation.run import evaluate
    from rfp_md.io import paths_of

    result = evaluate(**vars(options))
    leakage = result["leakage"]
    if leakage and leakage["leaks"]:
        print(f"warning: these frames are not new to the model: {leakage['summary']}", file=sys.stderr)
    if json:
        print_json(result)
        return
    uncertainty = result.pop("uncertainty", None)
    unknown = "unknown: the model's file does not know its training frames"
    shown = result | {"leakage": unknown if leakage is None else leakage["summary"]}
    print_values(shown, f"{options.model} on {', '.join(map(str, paths_of(options.data)))}")
    if uncertainty is not None:
        _print_uncertainty(uncertainty)


def _print_uncertainty(found: dict[str, Any]) -> None:
    """Its figures, and a table for each quantity: observed error by predicted standard deviation."""
    tables = {"energies, meV": found.pop("energy_calibration"), "forces, meV/Å": found.pop("force_calibration")}
    print_values(found, "uncertainty by the model's committee")
    for quantity, bins in tables.items():
        if bins is not None:
            print(f"calibration of {quantity}")
            rows = [[f"{part['std']:.3g}", f"{part['rmse']:.3g}", str(part["n"])] for part in bins]
            print_rows(["  predicted", "observed", "n"], [["  " + row[0], *row[1:]] for row in rows])
