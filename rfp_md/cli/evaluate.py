"""rfp evaluate"""

from __future__ import annotations

import sys
from typing import Any

from rfp_md.cli.command import command_of
from rfp_md.cli.console import print_json, print_rows, print_values
from rfp_md.cli.options import Debug, Json
from rfp_md.evaluation.options import EvaluateOptions

RMSE = {
    "meV/atom": "energy_rmse_mev_per_atom",
    "meV/Å": "force_rmse_mev_per_angstrom",
    "meV/Å³": "stress_rmse_mev_per_angstrom3",
}


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
    for note in result.pop("notes"):
        print(f"note: {note}", file=sys.stderr)
    uncertainty, kinds = result.pop("uncertainty", None), result.pop("by_config_type")
    unknown = "unknown: the model's file does not know its training frames"
    shown = result | {"leakage": unknown if leakage is None else leakage["summary"]}
    print_values(shown, f"{options.model} on {', '.join(map(str, paths_of(options.data)))}")
    if kinds:
        _print_kinds(kinds)
    if uncertainty is not None:
        _print_uncertainty(uncertainty)


def _print_kinds(kinds: list[dict[str, Any]]) -> None:
    """A row of root mean square errors for each config_type."""
    print("RMSE by config_type")
    rows = [
        ["  " + kind["config_type"], str(kind["n_frames"]), *(_short(kind[figure]) for figure in RMSE.values())]
        for kind in kinds
    ]
    print_rows(["  config_type", "frames", *RMSE], rows)


def _short(figure: float | None) -> str:
    return "–" if figure is None else f"{figure:.4g}"


def _print_uncertainty(found: dict[str, Any]) -> None:
    """Its figures, and a table for each quantity: observed error by predicted standard deviation."""
    tables = {"energies, meV": found.pop("energy_calibration"), "forces, meV/Å": found.pop("force_calibration")}
    print_values(found, "uncertainty by the model's committee")
    for quantity, bins in tables.items():
        if bins is not None:
            print(f"calibration of {quantity}")
            rows = [[f"{part['std']:.3g}", f"{part['rmse']:.3g}", str(part["n"])] for part in bins]
            print_rows(["  predicted", "observed", "n"], [["  " + row[0], *row[1:]] for row in rows])
