"""What the runs of an NVE check say together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from rfp_md.validation.figures import figures_of, judge
from rfp_md.validation.nve.result import NVEResult, NVERun

DRIFTS = ("drift_mev_per_atom_per_ps", "drift_ratio")
CHANCE_ERRORS = 3.0  # standard errors of a drift that may be chance; of many runs one is beyond two of them
REAL_DRIFT_RATIO = 1.0  # that no scatter excuses; beyond it ml-peg and mlipaudit are not content either


def worst_of_all(runs: Sequence[NVERun], blown_up: bool) -> dict[str, Any]:
    """Find the worst figures of all runs that have them; the dt² ratio is that of all runs at a temperature together.

    None where no run has the figure.
    """
    known = [r for r in runs if r.dt2_ratio is not None]
    ratios = [_dt2_ratio([r for r in known if r.temperature_k == t]) for t in {r.temperature_k for r in known}]
    drifts = [r.drift_mev_per_atom_per_ps for r in runs] + [np.nan] * blown_up
    return {
        "drift_mev_per_atom_per_ps": drifts[int(np.argmax(np.abs(drifts)))],  # argmax takes what is not a number
        "drift_ratio": _largest(r.drift_ratio for r in runs),
        "dt2_ratio": max(ratios, key=lambda ratio: abs(ratio - 4.0), default=None),
        "momentum_drift": _largest(r.momentum_drift for r in runs),
        "angular_momentum_drift": _largest(r.angular_momentum_drift for r in runs),
    }


def undecided(runs: Sequence[NVERun], blown_up: bool) -> tuple[str, ...]:
    """List the figures that do not fail, because the runs are too short to tell whether they are what they seem.

    Those of the drift, where no run blew up, none has a drift ratio beyond ``REAL_DRIFT_RATIO``, and each that is
    beyond a default limit is within ``CHANCE_ERRORS`` standard errors of no drift.
    """
    return DRIFTS if not blown_up and all(_may_be_chance(run) for run in runs) else ()


def uncertain(runs: Sequence[NVERun]) -> tuple[str, ...]:
    """List the figures that are no warning, because the runs are too short to tell them from their strict limits.

    Those of the drift, where it is in no run beyond the limit by more than ``CHANCE_ERRORS`` standard errors.
    """
    return tuple(figure for figure in DRIFTS if not any(_surely_beyond(run, figure) for run in runs))


def _surely_beyond(run: NVERun, figure: str) -> bool:
    """Whether a figure of the drift would be beyond its strict limit with all of its error to the good."""
    value, limit = getattr(run, figure), figures_of(NVEResult)[figure].limit
    if value is None or limit is None or run.drift_mev_per_atom_per_ps == 0:
        return False
    # The ratio has the relative error of the drift, of which it is a multiple.
    relative = CHANCE_ERRORS * run.drift_error_mev_per_atom_per_ps / abs(run.drift_mev_per_atom_per_ps)
    return not abs(value) * (1 - relative) <= limit.strict


def _may_be_chance(run: NVERun) -> bool:
    """Whether the drift of one run is within its limits, or too uncertain to tell."""
    if run.drift_ratio is not None and not run.drift_ratio <= REAL_DRIFT_RATIO:
        return False
    drifts = {figure: figures_of(NVEResult)[figure] for figure in DRIFTS}
    within = judge(drifts, vars(run))["passed"]
    return bool(within) or abs(run.drift_mev_per_atom_per_ps) <= CHANCE_ERRORS * run.drift_error_mev_per_atom_per_ps


def _dt2_ratio(runs: Sequence[NVERun]) -> float:
    """That of the root mean square fluctuations of several runs."""
    pairs = [(r.fluctuation_first_mev_per_atom, r.fluctuation_half_mev_per_atom) for r in runs]
    whole, half = np.sqrt(np.square(pairs).mean(axis=0))
    return float(whole / half)


def _largest(values: Iterable[float | None]) -> float | None:
    """The largest of those that are known; None where none is."""
    known = [value for value in values if value is not None]
    return float(np.max(known)) if known else None  # max() forgets what is not a number
