"""rfp drift"""

from __future__ import annotations

import sys

from rfp_md.cli.command import command_of
from rfp_md.cli.console import print_json, print_values
from rfp_md.cli.options import Debug, Json
from rfp_md.logs.options import DriftOptions


@command_of(DriftOptions)
def command(options: DriftOptions, json: Json = False, debug: Debug = False) -> None:
    """Fit the drift of the conserved energy of a run."""
    from rfp_md.logs.drift_file import drift_file

    result = drift_file(**vars(options))
    if result["warning"] is not None:
        print(f"warning: {options.file}: {result['warning']}", file=sys.stderr)
    if json:
        print_json(result)
    else:
        del result["warning"]
        if result["n_atoms"] is None:
            result["n_atoms"] = "not stated; --atoms N gives the figures that are missing"
        print_values({key: value for key, value in result.items() if value is not None}, str(options.file))
