"""The log of ASE's dynamics, which MDLogger writes."""

from __future__ import annotations

import re
from pathlib import Path

from rfp_md.errors import UserError
from rfp_md.logs.energy_log import EnergyLog, choose, table

HEADER = re.compile(r"\s*(Time\[ps\])?\s+Etot(/N)?\[eV\]")
STRESS_COLUMNS = 6  # under one title


def written_by_ase(lines: list[str]) -> bool:
    """Say whether these lines are a log of ASE's MDLogger."""
    return any(HEADER.match(line) for line in lines)


def read_ase(path: Path, lines: list[str], column: str | None) -> EnergyLog:
    """Read the energies from a log of MDLogger; arguments and errors are those of ``read_energy_log``."""
    header, match = next((line, match) for line in lines if (match := HEADER.match(line)))
    if match[1] is None:
        raise UserError(f"{path}: has no times; pass the dynamics, not None, to MDLogger")
    names = header.partition(" ---")[0].split()
    of_atom = match[2] or ""
    name = choose(path, names, [name for name in names if name.endswith("[eV]")], column, [f"Etot{of_atom}[eV]"])
    values = table(lines, len(names) + (STRESS_COLUMNS if "stress" in header else 0))
    conserved, kinetic = (values[:, names.index(key)] for key in (name, f"Ekin{of_atom}[eV]"))
    return EnergyLog(values[:, 0], conserved, kinetic, "ASE", name, per_atom=bool(of_atom))
