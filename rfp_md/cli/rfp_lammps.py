"""rfp-lammps: run a LAMMPS input whose forces come from a model.

    rfp-lammps -in in.nve --model benzene.rfp --types C,H

The input is one for LAMMPS as it is, with whatever pair style it likes (``zero`` for none): the model's forces are
added. The model comes in before the first ``fix`` (other than property/atom), ``run`` or ``minimize``, or before the
``include`` that has it, so that fixes see its forces. Where that is too early or too late, the input says so itself, by
the line

    fix rfp all external pf/callback 1 1

in which any id will do. LAMMPS reads the input itself, in two parts; loops over ``jump SELF`` work.
"""

from __future__ import annotations

import sys
import tempfile
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand

from rfp_md.cli.command import command_of
from rfp_md.cli.console import run_app
from rfp_md.cli.options import Debug
from rfp_md.errors import UserError
from rfp_md.interfaces.lammps.options import LammpsOptions
from rfp_md.interfaces.lammps.script import SAY_SO, InputScript

if TYPE_CHECKING:
    from rfp_md.potential import Potential

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

SEPARATOR = "\0"


class LammpsCommand(TyperCommand):
    """Takes LAMMPS's ``-var NAME VALUE`` as often as it comes; typer knows no list of pairs."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Join the two words of each ``-var``, and parse as typer does. Raises UserError where one is missing."""
        rest = iter(args)
        joined = []
        for word in rest:
            joined.append(word)
            if word in ("-var", "--var"):
                pair = list(islice(rest, 2))
                if len(pair) < 2:
                    raise UserError("--var takes a name and a value")
                joined.append(SEPARATOR.join(pair))
        return super().parse_args(ctx, joined)


@app.command(cls=LammpsCommand)
@command_of(LammpsOptions)
def lammps(options: LammpsOptions, debug: Debug = False) -> None:
    """Run a LAMMPS input whose forces come from a model."""
    from rfp_md.artifact.file import load
    from rfp_md.interfaces.lammps.attachment import open_lammps
    from rfp_md.validation.record import doubt

    script = InputScript.read(options.input_file)
    potential = load(options.model)
    if (text := doubt(potential.record, options.model)) is not None:
        print(f"rfp-lammps: warning: {text}", file=sys.stderr)
    variables = [word for pair in options.var for word in ("-var", *pair.split(SEPARATOR))]
    lmp = open_lammps("-log", str(options.log), *variables)
    try:
        evaluations = run(lmp, script, potential, [name.strip() for name in options.types.split(",")])
        ended = f"ended at step {lmp.extract_global('ntimestep')} after {evaluations} evaluations"
        print(f"rfp-lammps: {options.input_file}: {ended}", file=sys.stderr)
    finally:
        lmp.close()
        lmp.finalize()  # or MPI leaves its shared memory behind


def run(lmp: Any, script: InputScript, potential: Potential, types: list[str]) -> int:
    """Run an input to its end.

    Returns:
        How often LAMMPS asked for forces.

    Raises:
        UserError: LAMMPS's own errors, what the model refuses, runs in which it was not there, and no run at all.
    """
    from rfp_md.interfaces.lammps.attachment import attach

    with tempfile.TemporaryDirectory(prefix="rfp-") as folder:
        path = Path(folder) / "in.lammps"
        path.write_text(script.text)
        _read(lmp, path, script.source, begin="rfp_top", leave="rfp_end")
        if lmp.last_thermo() is not None and not lmp.has_id("fix", script.fix_id):
            raise UserError(f"{script.source}: something runs before the model comes in, in an if or a jump; {SAY_SO}")
        attachment = attach(lmp, potential, types, script.fix_id)
        with attachment.raising():
            _read(lmp, path, script.source, begin="rfp_model", leave="rfp_model")
            if not lmp.has_id("fix", script.fix_id):
                raise UserError(
                    f"{script.source}: 'clear' or 'unfix' took the model away, and what ran then had no forces of it"
                )
        if attachment.evaluations == 0:
            raise UserError(f"{script.source}: nothing ran after the model came in; write a run or a minimize")
        return attachment.evaluations


def _read(lmp: Any, path: Path, source: str, *, begin: str, leave: str) -> None:
    """Let LAMMPS read the input from one label on. Raises UserError with LAMMPS's own words."""
    try:
        lmp.command(f"variable rfp_begin string {begin}")
        lmp.command(f"variable rfp_leave string {leave}")
        lmp.file(str(path))
    except Exception as error:
        raise UserError(f"{source}: LAMMPS stopped: {error}") from error


def main() -> None:
    """Run the command ``rfp-lammps``; its entry point."""
    run_app(app, "rfp-lammps")
