"""Sites: what a descriptor hands to a regressor, checked on the way."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from rfp_md.descriptors.base import Descriptor, Pullback
from rfp_md.frames import Floats, Frames, Ints
from rfp_md.guard import call, check_array, defect

DECLARED_TOLERANCE = 1e-6  # relative to the largest value
DERIVATIVE_TOLERANCE = 1e-3  # relative to the largest slope: a wrong formula, not rounding, is looked for
STEP = 1e-4  # Å


@dataclass(frozen=True, eq=False)
class Sites:
    """One term of M structures, as its descriptor gives it.

    Attributes:
        values: x (M, S, D).
        types: type of each site (S,).
        jacobian: dx/d(coordinates) (M, S, D, 3C), the descriptor's (M, S, D, C, 3) with its last axes flat, or
            None where it was not asked for.
    """

    values: Floats
    types: Ints
    jacobian: Floats | None = None


def describe(descriptor: Descriptor, frames: Frames, *, derivatives: bool = False) -> Sites:
    """The sites of M structures.

    Raises:
        UserError: the descriptor raised, or gave something else than finite float64 arrays of the right shape;
            the sentence names it.
    """
    values = call(descriptor, "values", lambda: descriptor.values(frames))
    sites = _checked(descriptor, frames, values)
    if not derivatives:
        return sites
    jacobian = call(descriptor, "jacobian", lambda: descriptor.jacobian(frames))
    check_array(descriptor, "jacobian", jacobian, (*values.shape, n_coordinates(frames), 3))
    return replace(sites, jacobian=jacobian.reshape(*values.shape, -1))


def describe_for_forces(descriptor: Descriptor, frames: Frames) -> tuple[Sites, Pullback]:
    """The sites of M structures, and from dE/dx (M, S, D) to dE/d(coordinates) (M, C, 3). Raises as ``describe``."""

    def both() -> tuple[Floats, Pullback]:
        values, pullback = descriptor.values_and_pullback(frames)
        return values, pullback

    values, pullback = call(descriptor, "values", both)

    def pull_back(gradient: Floats) -> Floats:
        pulled: Floats = call(descriptor, "pullback", lambda: pullback(gradient))
        check_array(descriptor, "pullback", pulled, (len(frames), n_coordinates(frames), 3))
        return pulled

    return _checked(descriptor, frames, values), pull_back


def _checked(descriptor: Descriptor, frames: Frames, values: Floats) -> Sites:
    types = call(descriptor, "site_types", lambda: np.asarray(descriptor.site_types(frames.numbers)))
    if types.ndim != 1 or types.dtype.kind not in "iu":
        raise defect(descriptor, "site_types must return one whole number for each site")
    check_array(descriptor, "values", values, (len(frames), len(types), None))
    return Sites(values, types)


def n_coordinates(frames: Frames) -> int:
    """Rows of a derivative: the atoms and, in a periodic cell, the three of the strain."""
    return frames.n_atoms + (3 if frames.periodic else 0)


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
            cells = None if first.cells is None else first.cells @ turn
            moved = replace(first.at(first.positions @ turn + shift), cells=cells)
            change = np.abs(describe(descriptor, moved).values - values).max()
            if change > DECLARED_TOLERANCE * size:
                raise defect(descriptor, f"declares {capability}, but such a motion changes its values by {change:.2g}")
    if not descriptor.capabilities.differentiable:
        return
    direction = np.cos(np.arange(first.positions.size)).reshape(first.positions.shape)
    ends = [describe(descriptor, first.at(first.positions + t * STEP * direction)).values for t in (-1, 1)]
    numerical = (ends[1] - ends[0]) / (2 * STEP)
    jacobian = np.asarray(describe(descriptor, first, derivatives=True).jacobian)[..., : direction.size]
    error, scale = np.abs(jacobian @ direction.ravel() - numerical).max(), np.abs(numerical).max() or 1.0
    if error > DERIVATIVE_TOLERANCE * scale:
        raise defect(descriptor, f"declares differentiable, but its derivative is off by {error:.2g} of {scale:.2g}")
