"""rfp sample"""

from __future__ import annotations

import contextlib
import sys

from rfp_md.cli.command import command_of
from rfp_md.cli.console import print_json, print_values
from rfp_md.cli.options import Debug, Json
from rfp_md.cli.shown_progress import shown_progress
from rfp_md.sampling.options import SampleOptions


@command_of(SampleOptions)
def command(options: SampleOptions, json: Json = False, debug: Debug = False) -> None:
    """Make reference frames by molecular dynamics with any ASE calculator.

    However a run ended, kill -9 included, the same command goes on where it was, and gives the same frames.
    """
    from rfp_md.sampling.run import sample

    # What a calculator prints belongs to the progress, not to our output.
    with shown_progress() as progress, contextlib.redirect_stdout(sys.stderr):
        result = sample(**vars(options) | {"progress": progress})
    if json:
        print_json(result)
    else:
        shown = {key.replace("_", " "): value for key, value in result.items() if key != "output"}
        print_values(shown, str(options.output))
