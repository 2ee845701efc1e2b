"""One look, before a fit, whether a descriptor keeps the most important things that it declares."""

from __future__ import annotations

import numpy as np

from rfp_md.descriptors.base import Descriptor
from rfp_md.descriptors.describe import describe
from rfp_md.frames import Frames
from rfp_md.plugins.guard import defect
from rfp_md.sites import n_coordinates
from rfp_md.structures.strain import deformed

DECLARED_TOLERANCE = 1e-6  # relative to the largest value
DERIVATIVE_TOLERANCE = 1e-3  # relative to the largest derivative: a wrong formula, not rounding, is looked for
STEP = 1e-4  # Å


def check_declared(descriptor: Descriptor, frames: Frames) -> None:
    """Look once, before a fit, whether a descriptor keeps the most important things that it declares.

    Raises:
        UserError: its values change under a motion that they should not see, or its derivative along one
            direction is not that of its values.
    """
    first = frames[:1]
    values = describe(descriptor, first).values
    size = np.abs(values).max() or 1.0
    turned = np.array([[0.36, 0.48, -0.8], [-0.8, 0.6, 0.0], [0.48, 0.64, 0.6]])
    motions = {"translation_invariant": (np.eye(3), 1.7), "rotation_invariant": (turned, 0.0)}
    for capability, (turn, shift) in motions.items():
        if getattr(descriptor.capabilities, capability):
            moved = deformed(first, turn)
            moved = moved.at(moved.positions + shift)
            change = np.abs(describe(descriptor, moved).values - values).max()
            if change > DECLARED_TOLERANCE * size:
                raise defect(descriptor, f"declares {capability}, but such a motion changes its values by {change:.2g}")
    if not descriptor.capabilities.differentiable:
        return
    direction = np.cos(np.arange(first.positions.size)).reshape(first.positions.shape)
    ends = [describe(descriptor, first.at(first.positions + t * STEP * direction)).values for t in (-1, 1)]
    numerical = (ends[1] - ends[0]) / (2 * STEP)
    move = np.zeros((1, n_coordinates(first), 3))
    move[:, : first.n_atoms] = direction
    analytic = describe(descriptor, first, derivatives=True).along(move)
    error, scale = np.abs(analytic - numerical).max(), np.abs(numerical).max() or 1.0
    if error > DERIVATIVE_TOLERANCE * scale:
        raise defect(descriptor, f"declares differentiable, but its derivative is off by {error:.2g} of {scale:.2g}")
