"""The drift of a run that somebody made: the function behind ``rfp drift``."""

from __future__ import annotations

from typing import Any

from rfp_md.errors import UserError
from rfp_md.logs.energy_log import EnergyLog
from rfp_md.logs.options import DriftOptions
from rfp_md.logs.read import read_energy_log
from rfp_md.logs.trace import Trace
from rfp_md.verbs import with_options


@with_options(DriftOptions)
def drift_file(options: DriftOptions) -> dict[str, Any]:
    """Fit a line through the conserved energy of a log, as ``read_energy_log`` finds it.

    Returns:
        Drift with its standard error, and fluctuation, per atom and of the system (None where the number of atoms
        would be needed for it); drift_ratio (None without a kinetic energy that changes); length_ps, samples;
        warning, where the file says that the energy is not conserved.

    Raises:
        UserError: as ``read_energy_log``, or a number of atoms that contradicts the file.
    """
    atoms, timestep = options.atoms, options.timestep
    if (atoms is not None and atoms < 1) or (timestep is not None and not timestep > 0):
        raise UserError("--atoms and --timestep must be positive")
    log = read_energy_log(options.file, column=options.column, units=options.units, timestep=timestep)
    if atoms is not None and log.n_atoms not in (None, atoms):
        raise UserError(
            f"{options.file}: --atoms {atoms} contradicts the log, which states {log.n_atoms}; leave --atoms out"
        )
    return _figures(log, atoms or log.n_atoms)


def _figures(log: EnergyLog, n_atoms: int | None) -> dict[str, Any]:
    """What ``drift_file`` returns."""
    # As if it were one atom: the figures are then of whatever the energies are of.
    trace = Trace(log.times, log.conserved, log.kinetic, 1, 0)
    of_atom: float | None = 1.0 if log.per_atom else None
    of_system: float | None = None if log.per_atom else 1.0
    if n_atoms is not None:
        of_atom, of_system = (1.0, float(n_atoms)) if log.per_atom else (1.0 / n_atoms, 1.0)
    return {
        "format": log.format,
        "conserved": log.column,
        "n_atoms": n_atoms,
        "samples": len(log.times),
        "length_ps": float(log.times[-1] - log.times[0]),
        "drift_mev_per_atom_per_ps": _times(trace.drift, of_atom),
        "drift_error_mev_per_atom_per_ps": _times(trace.drift_error, of_atom),
        "fluctuation_mev_per_atom": _times(trace.fluctuation, of_atom),
        "drift_ratio": trace.drift_ratio,
        "drift_mev_per_ps": _times(trace.drift, of_system),
        "drift_error_mev_per_ps": _times(trace.drift_error, of_system),
        "fluctuation_mev": _times(trace.fluctuation, of_system),
        "warning": log.warning,
    }


def _times(figure: float, factor: float | None) -> float | None:
    return None if factor is None else figure * factor
