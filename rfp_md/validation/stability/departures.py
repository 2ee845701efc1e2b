"""The file beside a model that may mend it: structures in which replicas left what it knows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rfp_md.dynamics.lookback import write_departures
from rfp_md.prediction import AnyPotential
from rfp_md.progress import Progress


def write_beside(found: dict[str, Any], potential: AnyPotential, model: Path, progress: Progress) -> None:
    """Write ``MODEL.breaks.extxyz``, if a replica broke of which the record knows where it left."""
    write_departures(found, potential.reference, model.with_suffix(".breaks.extxyz"), progress)
