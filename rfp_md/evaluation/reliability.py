"""Whether predicted standard deviations are as large as the errors, and larger where the errors are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rfp_md.arrays import Floats
from rfp_md.frames import Dataset, Frames
from rfp_md.potential import Potential

Pair = tuple[Floats, Floats]

MILLI = 1e3  # eV to meV
BINS = 10
LEAST_IN_BIN = 10  # whose mean square says something


def compare(potential: Potential, dataset: Dataset) -> dict[str, Pair]:
    """Errors and predicted standard deviations of whatever the model and the frames both have.

    Returns:
        ``energy`` (n,) in eV, ``force``, of the components, in eV/Å, and ``frame``, root mean squares over the force
        components of each frame.

    Raises:
        UserError: a model without a committee.
    """
    return joined([_compare(potential, block) for block in dataset])


def joined(parts: Sequence[dict[str, Pair]]) -> dict[str, Pair]:
    """What blocks of frames have, one after another; a block that lacks something adds nothing to it."""
    names = dict.fromkeys(name for part in parts for name in part)
    having = {name: [part[name] for part in parts if name in part] for name in names}
    return {
        name: (np.concatenate([first for first, _ in found]), np.concatenate([second for _, second in found]))
        for name, found in having.items()
    }


def summary(pairs: dict[str, Pair]) -> dict[str, Any]:
    """What ``compare`` found, in meV and meV/Å, JSON-ready; None where there are no forces.

    Returns:
        energy_std_mev, force_std_mev_per_angstrom: means of what was predicted. energy_error_over_std,
        force_error_over_std: √ mean(error² / variance), 1 where that is right. force_error_spearman: rank correlation
        of a frame's force error with what was predicted. energy_calibration, force_calibration: see ``calibration``.
    """
    energy, force, frame = (pairs.get(name) for name in ("energy", "force", "frame"))
    return {
        "energy_std_mev": energy and MILLI * float(energy[1].mean()),
        "force_std_mev_per_angstrom": force and MILLI * float(force[1].mean()),
        "energy_error_over_std": energy and error_over_std(*energy),
        "force_error_over_std": force and error_over_std(*force),
        "force_error_spearman": frame and spearman(*frame),
        "energy_calibration": energy and calibration(*energy),
        "force_calibration": force and calibration(*force),
    }


def calibration(errors: Floats, deviations: Floats) -> list[dict[str, float]]:
    """Equally many predictions in bins of ascending predicted standard deviation (a reliability diagram).

    Returns:
        for each bin n, and in meV or meV/Å, ``std``, the root mean square of what was predicted, and
        ``rmse``, of what was observed; they agree where the prediction is right.
    """
    order = np.argsort(deviations, kind="stable")
    bins = np.array_split(order, max(1, min(BINS, len(order) // LEAST_IN_BIN)))
    return [
        {"n": len(part), "std": MILLI * float(_rms(deviations[part])), "rmse": MILLI * float(_rms(errors[part]))}
        for part in bins
        if len(part)
    ]


def error_over_std(errors: Floats, deviations: Floats) -> float | None:
    """√ mean(error² / variance); None where nothing was predicted."""
    known = deviations > 0
    return float(_rms(errors[known] / deviations[known])) if known.any() else None


def spearman(first: Floats, second: Floats) -> float | None:
    """Spearman's rank correlation, or None where there is no order."""
    from scipy.stats import rankdata

    if len(first) < 2 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return None
    return float(np.corrcoef(rankdata(first), rankdata(second))[0, 1])


def _compare(potential: Potential, frames: Frames) -> dict[str, Pair]:
    """Errors and predicted standard deviations of one block."""
    if not potential.has_forces:
        if frames.energies is None:
            return {}
        return {"energy": (potential.energies(frames) - frames.energies, potential.deviations(frames))}
    committee = potential.committee(frames)
    mean, spread = committee.mean, committee.spread
    pairs = {} if frames.energies is None else {"energy": (mean.energies - frames.energies, spread.energies)}
    if frames.forces is not None:
        errors = mean.forces - frames.forces
        known = frames.known_forces
        pairs["force"] = (errors[known].ravel(), spread.forces[known].ravel())
        pairs["frame"] = (_rms_of_known(errors, known), _rms_of_known(spread.forces, known))
    return pairs


def _rms_of_known(vectors: Floats, known: NDArray[np.bool_]) -> Floats:
    """Root mean squares over the components of each frame (n,), of those frames that have any."""
    return np.array([_rms(vectors[k, mine]) for k, mine in enumerate(known) if mine.any()])


def _rms(values: Floats, axis: tuple[int, ...] | None = None) -> Any:
    return np.sqrt(np.square(values).mean(axis=axis))
