"""A LAMMPS input, and the place in it where a model comes in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rfp_md.errors import UserError

RUNS = ("run", "minimize", "rerun", "dynamical_matrix", "third_order")
MAKES_ATOMS = ("create_box", "create_atoms", "read_data", "read_restart")
# LAMMPS is let read from the top, and leaves where the model comes in; then from there. A loop back to the first part
# leaves there again, so that a model that was cleared away comes back. The variables say where to begin and what came.
HEAD = ["jump SELF ${rfp_begin}", "label rfp_top"]
MIDDLE = ["variable rfp_left string model", "jump SELF rfp_end", "label rfp_model"]
END = ["variable rfp_left string end", "label rfp_end"]
SAY_SO = "write 'fix rfp all external pf/callback 1 1' where the model's forces are to begin"


@dataclass(frozen=True)
class InputScript:
    """A LAMMPS input, and where in it the model comes in.

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
    def read(cls, path: Path) -> InputScript:
        """Read an input from a file. Raises UserError as ``parse``, or for a file that cannot be read."""
        try:
            return cls.parse(path.read_text().splitlines(), str(path))
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"{path}: cannot be read ({error})") from error

    @classmethod
    def parse(cls, lines: list[str], source: str) -> InputScript:
        """Find the place of the model. Raises UserError where nothing runs, or where the model would be left out."""
        top = list(_commands(lines))
        contents = [(k, words, list(_expanded(words))) for k, words in top]
        for k, _, inner in contents:
            if any(words[0] == "run_style" and words[1:2] and words[1].startswith("respa") for words in inner):
                raise UserError(
                    f"{source}: line {k + 1}: LAMMPS leaves out fix external in 'run_style respa'; write "
                    "'run_style verlet'"
                )
        for k, words in top:
            if words[0] == "fix" and words[3:5] == ["external", "pf/callback"]:
                if words[2] != "all" or words[5:7] != ["1", "1"]:
                    raise UserError(
                        f"{source}: line {k + 1}: the model's forces act on all atoms in every step; write "
                        f"fix {words[1]} all external pf/callback 1 1"
                    )
                return cls(source, lines, k + 1, words[1])._checked(contents)
        for k, words, inner in contents:
            makes_atoms = any(one[0] in MAKES_ATOMS for one in inner)
            if makes_atoms and any(one[0] in RUNS for one in inner):
                raise UserError(
                    f"{source}: line {k + 1}: {words[1]} makes the atoms and runs, so that the model cannot come in "
                    f"between; put its run into {source}, or {SAY_SO}"
                )
            if not makes_atoms and any(_sees_forces(one) for one in inner):
                return cls(source, lines, k, "rfp")._checked(contents)
        raise UserError(
            f"{source}: has no run, so there is nothing to do; where it stands in an if or a jump, {SAY_SO}"
        )

    def _checked(self, contents: list[tuple[int, list[str], list[list[str]]]]) -> InputScript:
        """Raise UserError for commands that the model cannot follow."""
        for k, _, inner in contents:
            place = f"{self.source}: line {k + 1}"
            for words in inner:
                refuse_heat_flux(words, place)
                if k >= self.place and words[0] == "clear":
                    raise UserError(
                        f"{place}: 'clear' takes the model away, and it does not come back; make an input of its own "
                        "of what follows, or a loop that begins with 'clear'"
                    )
        return self

    @property
    def text(self) -> str:
        """The input as LAMMPS reads it twice, before the model and after."""
        first, second = self.lines[: self.place], self.lines[self.place :]
        return "\n".join([*HEAD, *first, *MIDDLE, *second, *END]) + "\n"


def refuse_heat_flux(words: list[str], place: str) -> None:
    """Raise UserError for a command that defines a heat flux, which would be wrong by far."""
    if words[0:1] == ["compute"] and words[3:4] == ["heat/flux"]:
        raise UserError(
            f"{place}: compute heat/flux needs a virial of nine numbers for each atom, of which LAMMPS takes six from "
            "fix external, and these give another heat flux; leave it out"
        )


def _sees_forces(words: list[str]) -> bool:
    """Whether the model must be there before this command."""
    return words[0] in RUNS or (words[0] == "fix" and words[3:4] != ["property/atom"])


def _commands(lines: list[str]) -> Iterator[tuple[int, list[str]]]:
    """Where each command begins, counted from 0, and its words, of the lines that it goes on in too."""
    first, words = 0, list[str]()
    for k, line in enumerate(lines):
        if not words:
            first = k
        goes_on = line.rstrip().endswith("&")
        words += line.partition("#")[0].rstrip().removesuffix("&").split()
        if words and not (goes_on and k + 1 < len(lines)):
            yield first, words
            words = []


def _expanded(words: list[str], including: tuple[Path, ...] = ()) -> Iterator[list[str]]:
    """The command, or those of the file that it includes; a file whose name only LAMMPS knows has none."""
    yield words
    if words[0] != "include" or len(words) < 2:
        return
    path = Path(words[1].strip("'\""))
    if path in including or not path.is_file():
        return
    lines = path.read_text(errors="replace").splitlines()
    for _, inner in _commands(lines):
        yield from _expanded(inner, (*including, path))
