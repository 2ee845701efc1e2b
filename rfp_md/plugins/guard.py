"""Calling plugins: whatever goes wrong inside one is a sentence that names it."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from rfp_md.errors import UserError
from rfp_md.frames import Frames
from rfp_md.plugins.arrays import Surroundings, check_arrays
from rfp_md.plugins.base import Kind, Plugin

Result = TypeVar("Result")
P = TypeVar("P", bound=Plugin)
STATE_TYPES = (np.float64, np.int64)  # what the artifact keeps


class Geometric(Protocol):
    """A plugin that looks at geometry: a descriptor or a baseline."""

    name: ClassVar[str]
    kind: ClassVar[Kind]

    @property
    def capabilities(self) -> Any:
        """What the plugin declares; ``periodic`` is among it."""
        ...


def call(plugin: Plugin, what: str, function: Callable[[], Result]) -> Result:
    """Call a method of a plugin. Raises UserError, naming plugin, method and line, for whatever it raises."""
    try:
        return function()
    except UserError:
        raise
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        raise defect(
            plugin, f"{what} failed in {Path(place.filename).name} line {place.lineno}, {type(error).__name__}: {error}"
        ) from error


def check_array(plugin: Plugin, what: str, array: Any, shape: tuple[int | None, ...]) -> None:
    """Raise UserError unless what a plugin gave is a finite float64 array of this shape; None is any size."""
    if not isinstance(array, np.ndarray) or array.dtype != np.float64:
        raise defect(plugin, f"{what} returned {getattr(array, 'dtype', type(array).__name__)}, not a float64 array")
    if array.ndim != len(shape) or any(n not in (None, m) for m, n in zip(array.shape, shape, strict=True)):
        wanted = ", ".join("D" if n is None else str(n) for n in shape)
        raise defect(plugin, f"{what} returned shape {array.shape} instead of ({wanted})")
    if not np.isfinite(array).all():
        raise defect(plugin, f"{what} returned numbers that are not finite")


def check_fitted(plugin: Plugin, report: Any = None) -> None:
    """Raise UserError unless what a fit left behind can be kept in the artifact."""
    for name, array in plugin.state.items():
        if not isinstance(array, np.ndarray) or array.dtype not in STATE_TYPES:
            kind = getattr(array, "dtype", type(array).__name__)
            raise defect(plugin, f"state['{name}'] is {kind}; store a float64 or int64 array")
        if not np.isfinite(array).all():
            raise defect(plugin, f"state['{name}'] has numbers that are not finite")
    if report is None:
        return
    try:
        json.dumps(report, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise defect(plugin, f"fit must return what JSON can hold ({error}); use float() and int()") from error


def restored(plugin: P, state: dict[str, NDArray[Any]], model: Surroundings) -> P:
    """Give a plugin its arrays back, once they are what it declares. Raises ValueError where they are not."""
    if (declared := call(plugin, "arrays", lambda: plugin.arrays(model))) is not None:
        check_arrays(state, declared)
    return plugin.restore(state)


def check_prediction(
    plugin: Plugin, method: Literal["predict", "committee"], predicted: Any, shapes: Sequence[tuple[int, ...]]
) -> None:
    """Raise UserError unless what a regressor gave is energies and a gradient of each term's shape.

    Args:
        predicted: (M,) and (M, S, D); a committee's have an axis of two members or more before.
        shapes: (M, S, D) of each term.
    """
    if (
        not isinstance(predicted, tuple)
        or len(predicted) != 2
        or not isinstance(predicted[1], Sequence)
        or len(predicted[1]) != len(shapes)
    ):
        raise defect(plugin, f"{method} must return energies and a list of {len(shapes)} gradients, one for each term")
    energies, gradients = predicted
    members = (None,) if method == "committee" else ()
    check_array(plugin, f"{method}, energies,", energies, (*members, shapes[0][0]))
    if members and len(energies) < 2:
        raise defect(plugin, "committee returned fewer than two members")
    for k, (gradient, shape) in enumerate(zip(gradients, shapes, strict=True)):
        check_array(plugin, f"{method}, gradient of term {k},", gradient, (*energies.shape[:-1], *shape))


def check_periodic(plugins: Iterable[Geometric], frames: Frames) -> None:
    """Raise UserError if a descriptor or a baseline cannot see the periodic images of these structures."""
    for plugin in plugins:
        if not plugin.capabilities.periodic:
            raise UserError(f"{frames.source}: is periodic, but {plugin.kind} '{plugin.name}' sees free molecules only")


def defect(plugin: Plugin, text: str) -> UserError:
    """The UserError for what is wrong with a plugin, which names it and how to find out more."""
    return UserError(f"{plugin.kind} '{plugin.name}': {text}; 'rfp plugins check {plugin.name}' finds out more")
