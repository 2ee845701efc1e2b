"""The thermo table of a LAMMPS log, with what the log's echoed commands say about it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from ase.units import Hartree, kcal, mol

from rfp_md.arrays import Floats
from rfp_md.errors import UserError
from rfp_md.logs.energy_log import FEWEST_SAMPLES, EnergyLog, choose, refuse, table

TABLE = ("Per MPI rank memory allocation", "Memory usage per processor")  # the line before a table
END = re.compile(r"Loop time of .* with (\d+) atoms")
UNITS = {"real": (kcal / mol, 1e-3), "metal": (1.0, 1.0), "electron": (Hartree, 1e-3)}  # energy in eV, time in ps
SAYS = {
    "units": re.compile(r"\s*(?:units\s+|Unit style\s*:\s*)(\w+)"),
    "timestep": re.compile(r"\s*(?:timestep\s+|Time step\s*:\s*)([\d.eE+-]+)\s*(?:#|$)"),
    "norm": re.compile(r"\s*thermo_modify\s.*\bnorm\s+(yes|no)"),
    "atoms": re.compile(r"\s*(?:Created\s+)?(\d+) atoms(?! in group)"),
}
# What LAMMPS calls its columns that are no energies; others may have any name.
OTHER = re.compile(
    r"Step|Elap\w+|Dt|Time|TimeLeft|.*CPU.*|Part|Atoms|Temp|Press|P[xyz]{2}|Volume|Density|L[xyz]|[XYZ](?:lo|hi|lat)|"
    r"X[yz]|Yz|Cell.+|Bonds|Angles|Dihedrals|Impropers|Fmax|Fnorm|Nbuild|Ndanger"
)
FIX = re.compile(r"\s*(?:fix\s+(\S+)\s+\S+\s+(\S.*?)|unfix\s+(\S+)|(clear))\s*$")
TALLY = re.compile(r"\stally\s+(?:yes|on|true)\b")
# Styles that do work on the atoms: TotEng changes, and Econserve adds up what they did.
WORKS = re.compile(r"(?:\S*/)?(?:nvt|npt|nph|langevin|temp|press|gle|gld|viscous|heat|deform)(?:/\S*)?(?:\s|$)")


def written_by_lammps(lines: list[str]) -> bool:
    """Say whether these lines are a log of LAMMPS."""
    return any(line.startswith(TABLE) for line in lines)


def read_lammps(
    path: Path, lines: list[str], column: str | None, units: str | None, timestep: float | None
) -> EnergyLog:
    """Read the last run that is long enough for a drift; arguments and errors are those of ``read_energy_log``."""
    heads = [k for k, line in enumerate(lines) if line.startswith(TABLE)]
    tables = [_table(lines[head + 1 :]) for head in heads]
    last = max((k for k, (_, values, _) in enumerate(tables) if len(values) >= FEWEST_SAMPLES), default=len(tables) - 1)
    names, values, n_atoms = tables[last]
    if not names or names[0].startswith("---"):
        raise UserError(f"{path}: has no thermo table; let LAMMPS use thermo_style one or custom, not multi or yaml")
    said = _said(lines[: heads[last]])

    unit = _agreed(path, "--units", units, said.get("units"))
    if unit not in UNITS:
        told = (
            "does not state its units; say them with --units" if unit is None else f"is in units {unit}, not known here"
        )
        raise UserError(f"{path}: {told} ({', '.join(UNITS)})")
    energy, time = UNITS[unit]
    if "Time" in names:
        refuse(path, "has a column of times", timestep=timestep)
        times = values[:, names.index("Time")] * time
    elif "Step" in names and (timestep is not None or "timestep" in said):
        stated = float(said["timestep"]) * time * 1e3 if "timestep" in said else None
        times = values[:, names.index("Step")] * (_agreed(path, "--timestep", timestep, stated) * 1e-3)
    else:
        raise UserError(f"{path}: states neither times nor the timestep; give --timestep in fs")
    energies = [name for name in names if not OTHER.fullmatch(name)]
    name = choose(path, names, energies, column, ["Econserve", "TotEng"])
    kinetic = values[:, names.index("KinEng")] if "KinEng" in names else np.full(len(values), np.nan)
    return EnergyLog(
        times,
        values[:, names.index(name)] * energy,
        kinetic * energy,
        f"LAMMPS, run {last + 1} of {len(tables)}",
        name,
        n_atoms=n_atoms or (int(said["atoms"]) if "atoms" in said else None),
        per_atom=said.get("norm") == "yes",
        warning=_warning(lines[: heads[last]], names, name),
    )


def _agreed(path: Path, flag: str, given: Any, stated: Any) -> Any:
    """What a flag or the log says. Raises UserError where they contradict each other."""
    if given is None or stated is None or given == stated:
        return stated if given is None else given
    if isinstance(given, float) and np.isclose(given, stated, rtol=1e-6):
        return stated
    raise UserError(f"{path}: {flag} {given} contradicts the log, which states {stated}; leave {flag} out")


def _warning(lines: list[str], names: list[str], column: str) -> str | None:
    """Why a column is not conserved by the fixes that the commands before a table leave, if any."""
    fixes: dict[str, str] = {}
    for line in lines:
        if match := FIX.match(line.partition("#")[0]):
            made, style, unmade, cleared = match.groups()
            if made is not None:
                fixes[made] = style
            elif cleared:
                fixes.clear()
            else:
                fixes.pop(unmade, None)
    working = [style for style in fixes.values() if WORKS.match(style)]
    if column == "Econserve":
        silent = [style for style in working if style.startswith("langevin") and not TALLY.search(style)]
        return f"fix {silent[0].split()[0]} counts into Econserve only with 'tally yes'" if silent else None
    if not working:
        return None
    remedy = "take --column Econserve" if "Econserve" in names else "let thermo_style custom write econserve too"
    return f"the run had a fix {working[0].split()[0]}, which does not conserve {column}; {remedy}"


def _table(lines: list[str]) -> tuple[list[str], Floats, int | None]:
    """Names, numbers (T, C) and number of atoms of the table at the top; what else is printed between is left out."""
    end = next((k for k, line in enumerate(lines) if END.match(line) or line.startswith(TABLE)), len(lines))
    names = lines[0].split() if lines else []
    match = END.match(lines[end]) if end < len(lines) else None
    return names, table(lines[1:end], len(names)), int(match[1]) if match else None


def _said(lines: list[str]) -> dict[str, str]:
    """What was said last before a table."""
    return {key: match[1] for line in lines for key, pattern in SAYS.items() if (match := pattern.match(line))}
