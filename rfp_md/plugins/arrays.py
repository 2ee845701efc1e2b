"""What the arrays of a plugin must be like before anything is computed with them: names, shapes, types and ranges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Size = int | str  # a letter is any size, the same wherever it stands
TYPES = {"float": np.float64, "int": np.int64}


@dataclass(frozen=True)
class Array:
    """One array of a plugin's state.

    Attributes:
        shape: sizes, by number or by letter.
        type: float64 or int64.
        least, most: what every number is between, both included.
        ascending: each number is larger than the one before, so that all are distinct.
        optional: it may be missing.
    """

    shape: tuple[Size, ...]
    type: Literal["float", "int"] = "float"
    least: float | None = None
    most: float | None = None
    ascending: bool = False
    optional: bool = False


@dataclass(frozen=True)
class Term:
    """What a descriptor makes of the structures of a model.

    Attributes:
        components: D, the numbers of a site.
        types: of sites that there are, and that a regressor must have a function for.
        groups: of components, as its ``groups`` says; 1 where all belong together.
    """

    components: int
    types: tuple[int, ...]
    groups: int = 1


@dataclass(frozen=True)
class Surroundings:
    """The model that a plugin is part of.

    Attributes:
        elements: atomic numbers, ascending.
        n_atoms: of the structure that it starts from; of every structure, where the composition is fixed.
        terms: known to regressors only, after all descriptors.
        n_outputs: of a direct model's regressor; None of a conservative one.
    """

    elements: tuple[int, ...]
    n_atoms: int
    terms: tuple[Term, ...] = ()
    n_outputs: int | None = None


def check_arrays(arrays: Mapping[str, NDArray[Any]], declared: Mapping[str, Array]) -> None:
    """Raise ValueError, with one sentence, for arrays that are not what was declared."""
    if missing := [name for name, what in declared.items() if name not in arrays and not what.optional]:
        raise ValueError(f"it lacks {', '.join(sorted(missing)[:3])}")
    if unknown := sorted(arrays.keys() - declared.keys()):
        raise ValueError(f"it has {', '.join(unknown[:3])}, which nothing here has")
    sizes: dict[str, tuple[int, str]] = {}  # what a letter stands for, and where it was first seen
    for name, what in declared.items():
        if name in arrays:
            _check_shape(name, arrays[name], what, sizes)
            _check_numbers(name, arrays[name], what)


def _check_shape(name: str, array: NDArray[Any], what: Array, sizes: dict[str, tuple[int, str]]) -> None:
    if array.dtype != TYPES[what.type]:
        raise ValueError(f"{name} is {array.dtype}, not {what.type}64")
    if array.ndim != len(what.shape):
        raise ValueError(f"{name} has shape {array.shape} instead of ({', '.join(map(str, what.shape))})")
    for size, wanted in zip(array.shape, what.shape, strict=True):
        known, where = sizes.setdefault(wanted, (size, name)) if isinstance(wanted, str) else (wanted, "the model")
        if size != known:
            raise ValueError(f"{name} has shape {array.shape}, but by {where} one of these sizes must be {known}")


def _check_numbers(name: str, array: NDArray[Any], what: Array) -> None:
    if array.size == 0:
        return
    low, high = array.min(), array.max()
    if (what.least is not None and not low >= what.least) or (what.most is not None and not high <= what.most):
        bounds = " and ".join(
            f"{word} {bound:g}"
            for word, bound in (("at least", what.least), ("at most", what.most))
            if bound is not None
        )
        raise ValueError(f"{name} has numbers from {low:g} to {high:g}; they must be {bounds}")
    if what.ascending and not (np.diff(array) > 0).all():
        raise ValueError(f"{name} is not ascending, each number once")
