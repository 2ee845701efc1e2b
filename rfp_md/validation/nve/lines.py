"""What the command line says of NVE below its figures."""

from __future__ import annotations

from typing import Any


def lines(found: dict[str, Any]) -> list[str]:
    """Tell the drift of each run of a record with its standard error, and the runs that blew up."""
    drifts = [
        f"drift at {run['temperature_k']:g} K: {run['drift_mev_per_atom_per_ps']:+.2g} ± "
        f"{run['drift_error_mev_per_atom_per_ps']:.1g} meV/atom/ps"
        for run in found.get("runs", [])
        if run["drift_mev_per_atom_per_ps"] is not None
    ]
    return drifts + [
        f"the run at {event['temperature_k']:g} K with seed {event['seed']} blew up {event['text']}"
        for event in found.get("blown_up", [])
    ]
