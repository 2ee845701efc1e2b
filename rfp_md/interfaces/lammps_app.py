"""rfp-lammps: run a LAMMPS input whose forces come from a model.

    rfp-lammps -in in.nve --model benzene.rfp --types C,H

The input is one for LAMMPS as it is, with whatever pair style it likes (``zero`` for none): the model's forces are
added. The model comes in before the first ``fix`` (other than property/atom), ``run`` or ``minimize``, so that
fixes see its forces. Where that is too early or too late, the input says so itself, by the line

    fix rfp all external pf/callback 1 1

in which any id will do. LAMMPS reads the input itself, in two parts; loops over ``jump SELF`` work.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from rfp_md.cli.console import run_app
from rfp_md.errors import UserError

if TYPE_CHECKING:
    from rfp_md.potential import Potential

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

RUNS = ("run", "minimize", "rerun", "dynamical_matrix", "third_order")
# A first pass from the top ends where the model comes in; a second pass begins there. A loop back to the first part
# goes on into the second. The variables say which pass it is.
HEAD = ["jump SELF ${rfp_begin}", "label rfp_top"]
MIDDLE = ["jump SELF ${rfp_leave}", "label rfp_model"]
END = ["label rfp_end"]
SEPARATOR = "\0"


class LammpsCommand(TyperCommand):
    """Takes LAMMPS's ``-var NAME VALUE`` as often as it comes; typer knows no list of pairs."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
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
def lammps(
    input_file: Annotated[Path, typer.Option("-in", "--in", help="The LAMMPS input.")],
    model: Annotated[Path, typer.Option(help="The .rfp file.")],
    types: Annotated[str, typer.Option(help="Element of each LAMMPS type, as in C,H.")],
    log: Annotated[Path, typer.Option("-log", "--log", help="LAMMPS's log.")] = Path("log.lammps"),
    var: Annotated[
        list[str] | None,
        typer.Option("-var", "--var", metavar="NAME VALUE", help="A variable of the input; again for more."),
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Run a LAMMPS input whose forces come from a model."""
    from rfp_md.artifact import load
    from rfp_md.interfaces.lammps import open_lammps

    script = Input.read(input_file)
    potential = load(model)
    variables = [word for pair in var or [] for word in ("-var", *pair.split(SEPARATOR))]
    lmp = open_lammps("-log", str(log), *variables)
    try:
        run(lmp, script, potential, [name.strip() for name in types.split(",")])
    finally:
        lmp.close()
        lmp.finalize()  # or MPI leaves its shared memory behind


@dataclass(frozen=True)
class Input:
    """A LAMMPS input.

    Attributes:
        source: its name, for messages.
        lines: its lines.
        place: how many of them come before the model.
        fix_id: of the fix through which the model gives its forces.
    """

    source: str
    lines: list[str]
    place: int
    fix_id: str

    @classmethod
    def read(cls, path: Path) -> Input:
        try:
            return cls.parse(path.read_text().splitlines(), str(path))
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"{path}: cannot be read ({error})") from error

    @classmethod
    def parse(cls, lines: list[str], source: str) -> Input:
        """Find the place of the model. Raises UserError where nothing runs."""
        for k, words in enumerate(line.split() for line in lines):
            if words[:1] == ["fix"] and words[3:5] == ["external", "pf/callback"]:
                if words[2] != "all" or words[5:7] != ["1", "1"]:
                    raise UserError(
                        f"{source}: line {k + 1}: the model's forces act on all atoms in every step; write "
                        f"fix {words[1]} all external pf/callback 1 1"
                    )
                return cls(source, lines, k + 1, words[1])
        for k, words in enumerate(line.split() for line in lines):
            continued = k > 0 and lines[k - 1].rstrip().endswith("&")
            fixes = words[:1] == ["fix"] and words[3:4] != ["property/atom"]
            if not continued and (fixes or (words and words[0] in RUNS)):
                return cls(source, lines, k, "rfp")
        raise UserError(f"{source}: has no run, so there is nothing to do")

    @property
    def text(self) -> str:
        """What LAMMPS reads, twice."""
        first, second = self.lines[: self.place], self.lines[self.place :]
        return "\n".join([*HEAD, *first, *MIDDLE, *second, *END]) + "\n"


def run(lmp: Any, script: Input, potential: Potential, types: list[str]) -> None:
    """Run an input to its end.

    Raises:
        UserError: LAMMPS's own errors, what the model refuses, and runs in which it was not there.
    """
    from rfp_md.interfaces.lammps import attach

    with tempfile.TemporaryDirectory(prefix="rfp-") as folder:
        path = Path(folder) / "in.lammps"
        path.write_text(script.text)
        _read(lmp, path, script.source, begin="rfp_top", leave="rfp_end")
        if lmp.last_thermo() is not None and not lmp.has_id("fix", script.fix_id):
            raise UserError(
                f"{script.source}: something runs before the model comes in, in an include or an if; write "
                "'fix rfp all external pf/callback 1 1' where the model's forces are to begin"
            )
        attachment = attach(lmp, potential, types, script.fix_id)
        with attachment.raising():
            _read(lmp, path, script.source, begin="rfp_model", leave="rfp_model")
            if not lmp.has_id("fix", script.fix_id):
                raise UserError(
                    f"{script.source}: 'clear' or 'unfix' took the model away, and what ran then had no forces of it"
                )


def _read(lmp: Any, path: Path, source: str, *, begin: str, leave: str) -> None:
    """Let LAMMPS read the input from one label on. Raises UserError with LAMMPS's own words."""
    try:
        lmp.command(f"variable rfp_begin string {begin}")
        lmp.command(f"variable rfp_leave string {leave}")
        lmp.file(str(path))
    except Exception as error:
        raise UserError(f"{source}: LAMMPS stopped: {error}") from error


def main() -> None:
    run_app(app, "rfp-lammps")
