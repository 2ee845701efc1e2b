"""Several descriptors side by side in one site."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PrivateAttr

from rfp_md.arrays import Floats, Ints
from rfp_md.descriptors.base import Capabilities, Descriptor, Pullback
from rfp_md.errors import UserError
from rfp_md.frames import Dataset, Frames
from rfp_md.plugins.arrays import Array, Surroundings
from rfp_md.plugins.registry import check_version, create, origin

MOST_PARTS, LONGEST = 20, 5000  # and letters of their names and parameters
State = dict[str, NDArray[Any]]
PART = re.compile(r"\s*([^()\s]+)\s*(?:\(([^()]*)\))?\s*")


class Concatenate(Descriptor):
    """x_s = (x¹_s, x²_s, …): the components of several descriptors in one site, as in the thesis's "CM + Angles".

    Several ``--descriptor`` flags make a sum of functions, f¹(x¹) + f²(x²); this makes one function of
    them all, f(x¹, x²). All parts must have the same sites in the same order. It declares what all of its parts
    declare, and is ``fixed_composition`` or ``piecewise`` where one of them is.
    """

    name: ClassVar[str] = "concatenate"
    compatible_since: ClassVar[str | None] = "0.1.0"

    of: str = Field("coulomb_matrix+angles", description="NAME+NAME+…, each with parameters as in NAME(key=value;…)")

    _parts: list[Descriptor] = PrivateAttr(default_factory=list)

    def model_post_init(self, context: Any) -> None:
        """Make the parts from ``of``. Raises UserError where it is not NAME+NAME+… of installed descriptors."""
        self._parts.extend(create("descriptor", name, parameters) for name, parameters in _parse(self.of))

    @property
    def capabilities(self) -> Capabilities:
        """It declares what all parts declare, and is ``fixed_composition`` or ``piecewise`` where one of them is."""
        declared = [vars(part.capabilities) for part in self._parts]
        of_one = ("fixed_composition", "piecewise")
        return Capabilities(
            **{key: (any if key in of_one else all)(held[key] for held in declared) for key in declared[0]}
        )

    def fit(self, dataset: Dataset) -> None:
        """Fit every part; keep what it learned, how many components it has and which package it is of."""
        for part in self._parts:
            part.fit(dataset)
        for block in dataset:
            self.site_types(block.numbers)
        first = dataset.blocks[0][:1]
        self._state.clear()
        self._state["widths"] = np.array([part.values(first).shape[2] for part in self._parts])
        packages = "\n".join(" ".join(origin("descriptor", part.name)) for part in self._parts)
        self._state["packages"] = np.array(list(packages.encode()), dtype=np.int64)
        for k, part in enumerate(self._parts):
            self._state.update({f"{k}.{name}": array for name, array in part.state.items()})

    def arrays(self, model: Surroundings) -> dict[str, Array] | None:
        """How many components each part has, the names of their packages, and the arrays of every part."""
        found = {
            "widths": Array((len(self._parts),), "int", least=1),
            "packages": Array(("letters",), "int", least=0, most=255),
        }
        for k, part in enumerate(self._parts):
            if (declared := part.arrays(model)) is None:
                return None
            # A letter is the same size inside one part only.
            found |= {f"{k}.{name}": _lettered(array, k) for name, array in declared.items()}
        return found

    def restore(self, state: State) -> Self:
        """Give every part its arrays back, once its package is known to compute alike what was fitted."""
        packages = bytes(state["packages"].tolist()).decode().split("\n")
        for k, (part, package) in enumerate(zip(self._parts, packages, strict=True)):
            # The file itself records the package of the whole only.
            check_version("descriptor", part.name, *package.split(" "))
            prefix = f"{k}."
            part.restore({name.removeprefix(prefix): a for name, a in state.items() if name.startswith(prefix)})
        return super().restore(state)

    def site_types(self, numbers: Ints) -> Ints:
        """The site types (S,) that all parts have in common. Raises UserError where two parts have different sites."""
        types = [np.asarray(part.site_types(numbers)) for part in self._parts]
        for part, others in zip(self._parts[1:], types[1:], strict=True):
            if not np.array_equal(types[0], others):
                raise UserError(
                    f"descriptor '{self.name}': '{self._parts[0].name}' and '{part.name}' have different sites "
                    f"({len(types[0])} and {len(others)} of them, or of other types); give each its own --descriptor"
                )
        return types[0]

    def values(self, frames: Frames) -> Floats:
        """x = (x¹, x², …), the components of the parts in their order (M, S, D¹ + D² + …)."""
        return np.concatenate([part.values(frames) for part in self._parts], axis=2)

    def jacobian(self, frames: Frames) -> Floats:
        """dx/d(coordinates) of the parts, one after another along the components (M, S, D¹ + D² + …, C, 3)."""
        return np.concatenate([part.jacobian(frames) for part in self._parts], axis=2)

    def pullback(self, frames: Frames, gradient: Floats) -> Floats:
        """The sum of the parts' pullbacks, each of its own components of dE/dx (M, C, 3)."""
        return self.values_and_pullback(frames)[1](gradient)

    def values_and_pullback(self, frames: Frames) -> tuple[Floats, Pullback]:
        """Values and pullback of every part from one pass, so that a part's own shared work is done once."""
        values, pullbacks = zip(*(part.values_and_pullback(frames) for part in self._parts), strict=True)

        def pullback(gradient: Floats) -> Floats:
            pieces = np.split(gradient, np.cumsum(self._state["widths"])[:-1], axis=2)
            return np.asarray(np.sum([pull(piece) for pull, piece in zip(pullbacks, pieces, strict=True)], axis=0))

        return np.concatenate(values, axis=2), pullback


def _lettered(array: Array, k: int) -> Array:
    """The same array with letters of its own."""
    return replace(array, shape=tuple(f"{k}.{size}" if isinstance(size, str) else size for size in array.shape))


def _parse(text: str) -> list[tuple[str, dict[str, str]]]:
    """Names and parameters of the parts. Raises UserError."""
    if len(text) > LONGEST or text.count("+") >= MOST_PARTS:
        raise UserError(f"descriptor 'concatenate': of={text[:40]}…: names more than {MOST_PARTS} parts; give fewer")
    parts = []
    for written in re.split(r"\+(?![^(]*\))", text):  # no plus sign inside brackets
        found = PART.fullmatch(written)
        items = [item.partition("=") for item in filter(None, (found[2] or "").split(";"))] if found else []
        if found is None or not all(equals for _, equals, _ in items):
            raise UserError(
                f"descriptor 'concatenate': of={text}: '{written}' is neither NAME nor NAME(key=value;key=value)"
            )
        parameters = {key.strip(): value.strip() for key, _, value in items}
        if found[1] == Concatenate.name:
            raise UserError(
                f"descriptor 'concatenate': of={text}: takes other descriptors than itself; name their parts"
            )
        if "width" in parameters:
            raise UserError(
                f"descriptor 'concatenate': of={text}: '{found[1]}' has no width of its own; "
                "write concatenate:of=…,width=…"
            )
        parts.append((found[1], parameters))
    return parts
