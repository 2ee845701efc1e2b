"""rfp report"""

from __future__ import annotations

import sys
from pathlib import Path

from rfp_md.cli.command import command_of
from rfp_md.cli.console import print_json
from rfp_md.cli.options import Debug, Json
from rfp_md.report.options import ReportOptions


@command_of(ReportOptions)
def command(options: ReportOptions, json: Json = False, debug: Debug = False) -> None:
    """Write one self-contained page about a model: what it is, its errors, its validation, how to run it."""
    from rfp_md.report import report

    figures = report(**vars(options))
    told = [figures["doubt"], *(warning["text"] for warning in figures["warnings"] if warning["level"] != "note")]
    for text in filter(None, told):
        print(f"warning: {text}", file=sys.stderr)
    if json:
        print_json(figures)
    else:
        size = Path(options.output).stat().st_size
        print(f"{options.output}: {size / 1e6:.1f} MB; {options.model}: {figures['validation']}")
