"""The properties file of i-PI, whose head says which column is what, in which unit."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from rfp_md.arrays import Floats
from rfp_md.errors import UserError
from rfp_md.logs.energy_log import EnergyLog, choose, numbers, refuse

COLUMN = re.compile(r"#\s*(?:column|cols\.)\s+(\d+)\S*\s*-->\s*(\S.*?)\s+:")
UNIT = re.compile(r"\{(.*?)\}")  # without one, atomic units
# Those of i-PI's properties that are one energy of the system; some take arguments, as in pot_component(1).
ENERGY = re.compile(
    r"(?:conserved|potential(?:_opsc|_tdsc)?|pot_component(?:_raw)?|kinetic_(?:md|cv|td|prsc|tdsc|opsc)|ensemble_bias|"
    r"interaction_energy|spring|ti_pot)(?:\(.*)?"
)


def written_by_ipi(lines: list[str]) -> bool:
    """Say whether these lines are a properties file of i-PI."""
    return any(COLUMN.match(line) for line in lines)


def read_ipi(path: Path, lines: list[str], column: str | None, timestep: float | None) -> EnergyLog:
    """Read the energies from a properties file; arguments and errors are those of ``read_energy_log``."""
    from ase.units import Hartree
    from ipi.utils.units import unit_to_internal, unit_to_user

    places, units = {}, {}
    for line in lines:
        if match := COLUMN.match(line):
            name = UNIT.sub("", match[2])
            places[name] = int(match[1]) - 1
            units[name] = "".join(UNIT.findall(match[2]))
    energies = [name for name in places if ENERGY.fullmatch(name)]
    conserved = choose(path, list(places), energies, column, ["conserved"])
    data = [line for line in lines if line.strip() and not line.startswith("#")]
    width = len(data[0].split()) if data else len(places)
    rows = [numbers(line, width) for line in data]
    if None in rows:
        line = data[rows.index(None)].strip()
        raise UserError(f"{path}: the line '{line[:60]}' does not have {width} numbers like the first one")
    values = np.array(rows, dtype=np.float64).reshape(-1, width)

    def atomic(name: str, kind: str) -> Floats:
        try:
            return np.asarray(values[:, places[name]] * unit_to_internal(kind, units[name], 1.0))
        except (ValueError, TypeError, KeyError) as error:
            raise UserError(f"{path}: {name} is in '{units[name]}', which is no unit of {kind} in i-PI") from error

    if "time" in places:
        refuse(path, "has a column of times, in its own units", timestep=timestep)
        times = np.asarray(unit_to_user("time", "picosecond", atomic("time", "time")))
    elif "step" in places and timestep is not None:
        times = values[:, places["step"]] * (timestep * 1e-3)
    else:
        raise UserError(f"{path}: has no column time; give --timestep in fs, or add time to <properties>")
    kinetic = atomic("kinetic_md", "energy") * Hartree if "kinetic_md" in places else np.full(len(values), np.nan)
    return EnergyLog(times, atomic(conserved, "energy") * Hartree, kinetic, "i-PI", conserved)
