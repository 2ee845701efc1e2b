"""What the runs of an NVE check say together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rfp_md.validation.thresholds import LIMITS, Verdict

DRIFTS = ("drift_mev_per_atom_per_ps", "drift_ratio")
DOUBT = 3.0  # standard errors of a drift that may be chance; of many runs one is beyond two of them
HOPELESS = 1.0  # drift ratio that no scatter excuses, and more than ml-peg and mlipaudit are content with


def worst_of_all(runs: Sequence[dict[str, Any]], blown_up: bool) -> dict[str, float | None]:
    """The worst figures of all runs that have them; the dt² ratio is that of all runs at a temperature together.

    None where no run has the figure.
    """
    known = [r for r in runs if r["dt2_ratio"] is not None]
    ratios = [_dt2_ratio([r for r in known if r["temperature_k"] == t]) for t in {r["temperature_k"] for r in known}]
    drifts = [r["drift_mev_per_atom_per_ps"] for r in runs] + [np.nan] * blown_up
    return {
        "drift_mev_per_atom_per_ps": drifts[int(np.argmax(np.abs(drifts)))],  # argmax takes what is not a number
        "drift_ratio": _largest(runs, "drift_ratio"),
        "dt2_ratio": max(ratios, key=lambda ratio: abs(ratio - 4.0), default=None),
        "momentum_drift": _largest(runs, "momentum_drift"),
        "angular_momentum_drift": _largest(runs, "angular_momentum_drift"),
    }


def undecided(runs: Sequence[dict[str, Any]], blown_up: bool) -> tuple[str, ...]:
    """The figures that do not fail, because the runs are too short to tell whether they are what they seem.

    Those of the drift, where no run blew up, none has a drift ratio that is ``HOPELESS``, and each that is beyond a
    default limit is within ``DOUBT`` standard errors of no drift.
    """
    return DRIFTS if not blown_up and all(_may_be_chance(run) for run in runs) else ()


def _may_be_chance(run: dict[str, Any]) -> bool:
    known = {figure: run[figure] for figure in DRIFTS if run[figure] is not None}
    if not known.get("drift_ratio", 0.0) <= HOPELESS:
        return False
    limits = [limit for limit in LIMITS if limit.check == "nve" and limit.figure in known]
    within = all(limit.judge(known[limit.figure]) < Verdict.failed for limit in limits)
    return within or abs(run["drift_mev_per_atom_per_ps"]) <= DOUBT * run["drift_error_mev_per_atom_per_ps"]


def _dt2_ratio(runs: Sequence[dict[str, Any]]) -> float:
    pairs = [(r["fluctuation_first_mev_per_atom"], r["fluctuation_half_mev_per_atom"]) for r in runs]
    whole, half = np.sqrt(np.square(pairs).mean(axis=0))
    return float(whole / half)


def _largest(runs: Sequence[dict[str, Any]], figure: str) -> float | None:
    known = [r[figure] for r in runs if r[figure] is not None]
    return float(np.max(known)) if known else None  # max() forgets what is not a number
