"""Options of ``rfp-lammps``."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Annotated

from rfp_md.verbs import Option


@dataclass(frozen=True)
class LammpsOptions:
    """Options of ``rfp-lammps``."""

    _: KW_ONLY
    input_file: Annotated[Path, Option("The LAMMPS input.", flags=("-in", "--in"))]
    model: Annotated[Path, Option("The .rfp file.")]
    types: Annotated[str, Option("Element of each LAMMPS type, as in C,H.")]
    log: Annotated[Path, Option("LAMMPS's log.", flags=("-log", "--log"))] = Path("log.lammps")
    var: Annotated[
        Sequence[str],
        Option("A variable of the input; again for more.", flags=("-var", "--var"), metavar="NAME VALUE"),
    ] = ()
    lammps: Annotated[
        Sequence[str],
        Option(
            "LAMMPS's own -echo, -screen, -suffix, -package, -nocite and -nonbuf, which need no --lammps before them."
        ),
    ] = ()
