"""Options of ``rfp drift``."""

from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Annotated

from rfp_md.verbs import Argument, Option


@dataclass(frozen=True)
class DriftOptions:
    """Options of ``rfp drift``."""

    file: Annotated[Path | str, Argument("An i-PI properties file, a LAMMPS log, or ASE's MD log.")]
    _: KW_ONLY
    atoms: Annotated[int | None, Option("Atoms of the system, where the file does not say.", least=1)] = None
    column: Annotated[str | None, Option("What to take for the conserved energy.")] = None
    units: Annotated[str | None, Option("LAMMPS's units, where the log does not state them.")] = None
    timestep: Annotated[float | None, Option("fs, for a file that has steps and no time.")] = None
