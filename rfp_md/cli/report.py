"""rfp report"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from rfp_md.cli.console import print_json
from rfp_md.cli.options import Debug, EnergyUnit, ForceUnit, Json, LengthUnit, Model


def command(
    model: Model,
    output: Annotated[Path, typer.Option("-o", "--output", help="The page to write, report.html.")],
    data: Annotated[
        list[Path] | None, typer.Option(help="Reference frames to test the model on; again for more.")
    ] = None,
    energy_unit: EnergyUnit = None,
    force_unit: ForceUnit = None,
    length_unit: LengthUnit = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Write one self-contained page about a model: what it is, its errors, its validation, how to run it."""
    from rfp_md.report import report

    units = {"energy_unit": energy_unit, "force_unit": force_unit, "length_unit": length_unit}
    figures = report(model, output, data=data or None, **units)
    told = [figures["doubt"], *(warning["text"] for warning in figures["warnings"] if warning["level"] != "note")]
    for text in filter(None, told):
        print(f"warning: {text}", file=sys.stderr)
    if json:
        print_json(figures)
    else:
        print(f"{output}: {output.stat().st_size / 1e6:.1f} MB; {model}: {figures['validation']}")
