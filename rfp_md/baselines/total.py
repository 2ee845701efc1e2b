"""The baselines of a potential together: their sum, checked on the way, and what they leave to be learned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import isfinite
from typing import Any

import numpy as np

from rfp_md.arrays import Floats
from rfp_md.baselines.base import Baseline
from rfp_md.frames import Dataset, Frames
from rfp_md.plugins.guard import call, check_array, defect
from rfp_md.prediction import Prediction

CHUNK = 100  # structures that are given to a baseline at once


def total(baselines: Sequence[Baseline], frames: Frames) -> Prediction:
    """The sum of what the baselines say of M structures.

    Raises:
        UserError: a baseline raised, or gave something else than finite float64 arrays of the right shapes; the
            sentence names it.
    """
    if not baselines:
        return Prediction(np.zeros(len(frames)), np.zeros(frames.positions.shape), np.zeros((len(frames), 3, 3)))
    first, *others = (_computed(baseline, frames) for baseline in baselines)
    for part in others:
        first = Prediction(first.energies + part.energies, first.forces + part.forces, first.virials + part.virials)
    return first


def total_energies(baselines: Sequence[Baseline], frames: Frames) -> Floats:
    """The sum of the energies alone (M,), eV. Raises UserError as ``total``."""
    energies = np.zeros(len(frames))
    for baseline in baselines:
        part = call(baseline, "energies", lambda baseline=baseline: baseline.energies(frames))  # type: ignore[misc]
        check_array(baseline, "energies", part, (len(frames),))
        energies = energies + part
    return energies


def left_by(baselines: Sequence[Baseline], dataset: Dataset) -> Dataset:
    """The dataset with energies, forces and stresses less those of the baselines; whatever a block lacks stays away.

    With virials W = −dE/dstrain and stresses σ = (1/V) dE/dstrain, a baseline's part of a stress is −W/V.
    """
    return Dataset(tuple(_left(baselines, block) for block in dataset))


def _left(baselines: Sequence[Baseline], frames: Frames) -> Frames:
    if len(frames) == 0 or (frames.energies is None and frames.forces is None and frames.stresses is None):
        return frames
    parts = [frames[k : k + CHUNK] for k in range(0, len(frames), CHUNK)]
    if frames.forces is None and frames.stresses is None:
        known = np.concatenate([total_energies(baselines, part) for part in parts])
        return replace(frames, energies=frames.energies - known)
    sums = [total(baselines, part) for part in parts]
    energies, forces, virials = (
        np.concatenate([getattr(part, name) for part in sums]) for name in ("energies", "forces", "virials")
    )
    stresses = frames.stresses
    if stresses is not None and frames.periodic:
        stresses = stresses + virials / frames.volumes[:, None, None]
    return replace(
        frames,
        energies=None if frames.energies is None else frames.energies - energies,
        forces=None if frames.forces is None else frames.forces - forces,
        stresses=stresses,
    )


def _computed(baseline: Baseline, frames: Frames) -> Prediction:
    part = call(baseline, "compute", lambda: baseline.compute(frames))
    if not isinstance(part, Prediction):
        raise defect(baseline, f"compute returned {type(part).__name__}; return a Prediction")
    n = len(frames)
    shapes = {"energies": (n,), "forces": frames.positions.shape, "virials": (n, 3, 3)}
    if all(_is_right(getattr(part, name), shape) for name, shape in shapes.items()):
        return part  # the usual case, in a force call, where microseconds count
    for name, shape in shapes.items():
        check_array(baseline, f"compute, {name},", getattr(part, name), shape)
    return part


def _is_right(array: Any, shape: tuple[int, ...]) -> bool:
    """Whether it has the type and the shape, and its norm is finite, which is looked at soonest."""
    right = isinstance(array, np.ndarray) and array.dtype == np.float64 and array.shape == shape
    return right and isfinite(np.vdot(array, array))
