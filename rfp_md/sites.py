"""Sites: what a descriptor hands to a regressor, checked on the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from rfp_md.descriptors.base import Descriptor
from rfp_md.errors import UserError
from rfp_md.frames import Floats, Frames, Ints


@dataclass(frozen=True, eq=False)
class Sites:
    """One term of M structures, as its descriptor gives it.

    Attributes:
        values: x (M, S, D).
        types: type of each site (S,).
        jacobian: dx/d(coordinates) (M, S, D, C), or None where it was not asked for.
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
    types = _call(descriptor, "site_types", lambda: np.asarray(descriptor.site_types(frames.numbers)))
    values = _call(descriptor, "values", lambda: descriptor.values(frames))
    _check(descriptor, "values", values, (len(frames), len(types)), 3)
    if not derivatives:
        return Sites(values, types)
    jacobian = _call(descriptor, "jacobian", lambda: descriptor.jacobian(frames))
    _check(descriptor, "jacobian", jacobian, values.shape, 5)
    return Sites(values, types, jacobian.reshape(*values.shape, -1))


def pull_back(descriptor: Descriptor, frames: Frames, gradient: Floats) -> Floats:
    """dE/d(coordinates) (M, C, 3). Raises UserError as ``describe``."""
    pulled: Floats = _call(descriptor, "pullback", lambda: descriptor.pullback(frames, gradient))
    _check(descriptor, "pullback", pulled, (len(frames),), 3)
    return pulled


def _call(descriptor: Descriptor, what: str, call: Callable[[], Any]) -> Any:
    try:
        return call()
    except UserError:
        raise
    except Exception as error:
        raise UserError(
            f"descriptor '{descriptor.name}' failed in {what} ({type(error).__name__}: {error}); "
            f"'rfp plugins check {descriptor.name}' finds out more"
        ) from error


def _check(descriptor: Descriptor, what: str, array: Any, leading: tuple[int, ...], dimensions: int) -> None:
    if not isinstance(array, np.ndarray) or array.dtype != np.float64:
        kind = getattr(array, "dtype", type(array).__name__)
        defect = f"returned {kind} instead of a float64 array"
    elif array.ndim != dimensions or array.shape[: len(leading)] != leading:
        defect = f"returned shape {array.shape}, which should have {dimensions} axes and begin with {leading}"
    elif not np.isfinite(array).all():
        defect = "returned numbers that are not finite"
    else:
        return
    raise UserError(
        f"descriptor '{descriptor.name}': {what} {defect}; 'rfp plugins check {descriptor.name}' finds out more"
    )
