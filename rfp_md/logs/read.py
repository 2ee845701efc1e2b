"""Conserved energies from the files that i-PI, LAMMPS and ASE write while they run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from rfp_md.errors import UserError
from rfp_md.logs.energy_log import FEWEST_SAMPLES, EnergyLog, refuse


def read_energy_log(
    path: str | Path, *, column: str | None = None, units: str | None = None, timestep: float | None = None
) -> EnergyLog:
    """Read an i-PI properties file, a LAMMPS log, or the log of ASE's dynamics.

    What a run wrote after the point from which it was started again counts once: the last time. Of several runs
    in a LAMMPS log the last one counts.

    Args:
        column: what to take for the conserved energy; default: ``conserved``, Econserve or TotEng, or Etot.
        units: LAMMPS's units, where the log does not state them.
        timestep: fs, for a file that counts steps and has no time.

    Raises:
        UserError: no such file or column, a column that is no energy, another format, unknown units, units or a
            timestep that the file states itself, too few lines, or numbers that are not finite.
    """
    from rfp_md.logs import ase as ase_log
    from rfp_md.logs import ipi as ipi_log
    from rfp_md.logs import lammps as lammps_log

    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: no such file")
    text = path.read_text(encoding="utf-8", errors="replace")
    lines = text[: text.rfind("\n") + 1].splitlines()  # a line without an end is still being written
    if ipi_log.written_by_ipi(lines):
        refuse(path, "an i-PI file names its own units", units=units)
        log = ipi_log.read_ipi(path, lines, column, timestep)
    elif lammps_log.written_by_lammps(lines):
        log = lammps_log.read_lammps(path, lines, column, units, timestep)
    elif ase_log.written_by_ase(lines):
        refuse(path, "a log of ASE's dynamics is in eV and ps", units=units, timestep=timestep)
        log = ase_log.read_ase(path, lines, column)
    else:
        raise UserError(
            f"{path}: is neither an i-PI properties file (# column 1 --> ...), nor a LAMMPS log with thermo output, "
            "nor a log of ASE's dynamics (Time[ps] Etot[eV] ...)"
        )
    return _last_pass(path, log)


def _last_pass(path: Path, log: EnergyLog) -> EnergyLog:
    """Without what a run that was started again did twice. Raises UserError for what no line can be fitted to."""
    bad = ~(np.isfinite(log.times) & np.isfinite(log.conserved))
    if bad.any():
        raise UserError(f"{path}: {log.column} is not finite in sample {np.argmax(bad) + 1} of {len(bad)}")
    earliest_from_here = np.minimum.accumulate(log.times[::-1])[::-1]
    kept = np.ones(len(bad), dtype=bool)
    kept[:-1] = log.times[:-1] < earliest_from_here[1:]
    if kept.sum() < FEWEST_SAMPLES:
        raise UserError(f"{path}: has {kept.sum()} samples of {log.column}; a drift needs {FEWEST_SAMPLES} at least")
    return replace(log, times=log.times[kept], conserved=log.conserved[kept], kinetic=log.kinetic[kept])
