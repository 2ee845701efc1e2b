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
from collections import deque
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
# LAMMPS's switches by each of their names: those that are handed on, and those that are not for one process.
OURS = {"-i": "-in", "-l": "-log", "-v": "-var", "--var": "-var"}
HANDED_ON = {
    name: switch
    for switch, short in {
        "-echo": "-e",
        "-screen": "-sc",
        "-suffix": "-sf",
        "-package": "-pk",
        "-nocite": "-nc",
        "-nonbuf": "-nb",
    }.items()
    for name in (switch, short)
}
REFUSED = {
    "-partition": "-p",
    "-plog": "-pl",
    "-pscreen": "-ps",
    "-kokkos": "-k",
    "-mdi": "-mdi",
    "-mpicolor": "-m",
    "-reorder": "-ro",
    "-restart2data": "-r2data",
    "-restart2dump": "-r2dump",
    "-restart2info": "-r2info",
    "-skiprun": "-sr",
}


class LammpsCommand(TyperCommand):
    """Takes LAMMPS's own switches, which may be followed by several words; typer knows no such thing."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Join a switch with the words that belong to it, and parse as typer does.

        Raises:
            UserError: a switch that this program cannot follow, or a variable without a value.
        """
        joined: list[str] = []
        rest = deque(args)
        while rest:
            word = rest.popleft()
            name = OURS.get(word, word)
            if name in REFUSED or name in REFUSED.values():
                raise UserError(f"LAMMPS's switch {word} cannot be used here: a model serves one process; leave it out")
            if name == "-var":
                joined += [name, SEPARATOR.join(_taken(rest, at_least=2))]
            elif name in HANDED_ON:
                joined += ["--lammps", SEPARATOR.join([HANDED_ON[name], *_taken(rest, at_least=0)])]
            else:
                joined.append(name)
        return super().parse_args(ctx, joined)


def _taken(rest: deque[str], *, at_least: int) -> list[str]:
    """The words up to the next switch, as LAMMPS takes them: what must be there may begin with a minus."""
    taken: list[str] = []
    while rest and (len(taken) < at_least or not rest[0].startswith("-")):
        taken.append(rest.popleft())
    if len(taken) < at_least:
        raise UserError("--var takes a name and a value")
    return taken


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
    switches = [word for text in options.lammps for word in text.split(SEPARATOR)]
    variables = [word for text in options.var for word in ("-var", *text.split(SEPARATOR))]
    lmp = open_lammps("-log", str(options.log), *switches, *variables)
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
    from rfp_md.interfaces.lammps.attachment import Attachment, attach

    attachments: list[Attachment] = []
    with tempfile.TemporaryDirectory(prefix="rfp-") as folder:
        path = Path(folder) / "in.lammps"
        path.write_text(script.text)
        left = _read(lmp, path, script.source, begin="rfp_top")
        if left != "model" or (lmp.last_thermo() is not None and not lmp.has_id("fix", script.fix_id)):
            raise UserError(f"{script.source}: something runs before the model comes in, in an if or a jump; {SAY_SO}")
        while left == "model":
            if not attachments or not attachments[-1].attached:  # a loop began with 'clear'
                attachments.append(attach(lmp, potential, types, script.fix_id))
            with attachments[-1].raising():
                left = _read(lmp, path, script.source, begin="rfp_model")
        if not attachments[-1].attached:
            raise UserError(
                f"{script.source}: 'clear' or 'unfix' took the model away, and what ran then had no forces of it"
            )
    evaluations = sum(attachment.evaluations for attachment in attachments)
    if evaluations == 0:
        raise UserError(f"{script.source}: nothing ran after the model came in; write a run or a minimize")
    return evaluations


def _read(lmp: Any, path: Path, source: str, *, begin: str) -> str:
    """Let LAMMPS read the input from one label on, and give where it left. Raises UserError with LAMMPS's own words."""
    try:
        lmp.command(f"variable rfp_begin string {begin}")
        lmp.command("variable rfp_left string end")
        lmp.file(str(path))
        return str(lmp.extract_variable("rfp_left"))
    except Exception as error:
        raise UserError(f"{source}: LAMMPS stopped: {error}") from error


def main() -> None:
    """Run the command ``rfp-lammps``; its entry point."""
    run_app(app, "rfp-lammps")
