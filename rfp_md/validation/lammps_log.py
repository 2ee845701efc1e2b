"""The thermo table of a LAMMPS log, with what the log's echoed commands say about it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from ase.units import Hartree, kcal, mol

from rfp_md.errors import UserError
from rfp_md.frames import Floats
from rfp_md.validation.energy_log import FEWEST_SAMPLES, EnergyLog, choose, table

TABLE = ("Per MPI rank memory allocation", "Memory usage per processor")  # the line before a table
END = re.compile(r"Loop time of .* with (\d+) atoms")
UNITS = {"real": (kcal / mol, 1e-3), "metal": (1.0, 1.0), "electron": (Hartree, 1e-3)}  # energy in eV, time in ps
SAYS = {
    "units": re.compile(r"\s*(?:units\s+|Unit style\s*:\s*)(\w+)"),
    "timestep": re.compile(r"\s*(?:timestep\s+|Time step\s*:\s*)([\d.eE+-]+)\s*(?:#|$)"),
    "norm": re.compile(r"\s*thermo_modify\s.*\bnorm\s+(yes|no)"),
    "atoms": re.compile(r"\s*(?:Created\s+)?(\d+) atoms(?! in group)"),
}


def written_by_lammps(lines: list[str]) -> bool:
    return any(line.startswith(TABLE) for line in lines)


def read_lammps(
    path: Path, lines: list[str], column: str | None, units: str | None, timestep: float | None
) -> EnergyLog:
    """The last run that is long enough for a drift. Arguments and errors as of ``read_energy_log``."""
    starts = [k for k, line in enumerate(lines) if line.startswith(TABLE)]
    tables = [_table(lines[start + 1 :]) for start in starts]
    last = max((k for k, (_, values, _) in enumerate(tables) if len(values) >= FEWEST_SAMPLES), default=len(tables) - 1)
    names, values, n_atoms = tables[last]
    if not names or names[0].startswith("---"):
        raise UserError(f"{path}: has no thermo table; let LAMMPS use thermo_style one or custom, not multi or yaml")
    said = _said(lines[: starts[last]])

    unit = units or said.get("units")
    if unit not in UNITS:
        told = (
            "does not state its units; say them with --units" if unit is None else f"is in units {unit}, not known here"
        )
        raise UserError(f"{path}: {told} ({', '.join(UNITS)})")
    energy, time = UNITS[unit]
    if "Time" in names:
        times = values[:, names.index("Time")] * time
    elif "Step" in names and (timestep is not None or "timestep" in said):
        step = timestep * 1e-3 if timestep is not None else float(said["timestep"]) * time
        times = values[:, names.index("Step")] * step
    else:
        raise UserError(f"{path}: states neither times nor the timestep; give --timestep in fs")
    name = choose(path, names, column, ["Econserve", "TotEng"])
    kinetic = values[:, names.index("KinEng")] if "KinEng" in names else np.full(len(values), np.nan)
    return EnergyLog(
        times,
        values[:, names.index(name)] * energy,
        kinetic * energy,
        f"LAMMPS, run {last + 1} of {len(tables)}",
        name,
        n_atoms=n_atoms or (int(said["atoms"]) if "atoms" in said else None),
        per_atom=said.get("norm") == "yes",
    )


def _table(lines: list[str]) -> tuple[list[str], Floats, int | None]:
    """Names, numbers (T, C) and number of atoms of the table at the top; what else is printed between is left out."""
    end = next((k for k, line in enumerate(lines) if END.match(line) or line.startswith(TABLE)), len(lines))
    names = lines[0].split() if lines else []
    match = END.match(lines[end]) if end < len(lines) else None
    return names, table(lines[1:end], len(names)), int(match[1]) if match else None


def _said(lines: list[str]) -> dict[str, str]:
    """What was said last before a table."""
    return {key: match[1] for line in lines for key, pattern in SAYS.items() if (match := pattern.match(line))}
