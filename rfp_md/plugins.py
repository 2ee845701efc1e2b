"""Descriptors and regressors are plugins, ours like everybody's: entry points, found lazily and loaded with care.

A plugin is a pydantic model: its fields are its parameters (type, default, one line of help), and
``state`` holds the arrays that it learns from the training frames. Names are read from the packages'
metadata; a plugin's module is imported only when that plugin is used.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any, ClassVar, Literal, Self

from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, PrivateAttr, ValidationError

from rfp_md.errors import UserError

Kind = Literal["descriptor", "regressor"]
GROUPS: dict[Kind, str] = {"descriptor": "rfp_md.descriptors", "regressor": "rfp_md.regressors"}


class Plugin(BaseModel):
    """Parameters, validated and frozen, with the arrays that a fit adds to them.

    Attributes:
        name: the name of its entry point.
        equation: the formula, as plain text, with its source.
        state: learned arrays by name, float64 or int64; they are what the artifact stores.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: ClassVar[str]
    equation: ClassVar[str] = ""
    _state: dict[str, NDArray[Any]] = PrivateAttr(default_factory=dict)

    @property
    def state(self) -> dict[str, NDArray[Any]]:
        return self._state

    def restore(self, state: dict[str, NDArray[Any]]) -> Self:
        """Take back the arrays of a fitted plugin; subclasses check their shapes first and raise ValueError."""
        self._state.clear()
        self._state.update(state)
        return self


@dataclass(frozen=True)
class Listing:
    """One line of ``rfp plugins``."""

    name: str
    kind: Kind
    package: str
    version: str
    status: str
    capabilities: tuple[str, ...] = ()


def create(kind: Kind, name: str, parameters: dict[str, Any]) -> Any:
    """The plugin of this name with these parameters.

    Raises:
        UserError: no plugin of that name, one that cannot be imported, or parameters that it refuses.
    """
    plugin = load(kind, name)
    try:
        return plugin(**parameters)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            fields = list(plugin.model_fields)
            raise UserError(f"{kind} '{name}' has no parameter '{key}'{_suggestion(key, fields)}") from error
        raise UserError(f"{kind} '{name}': {key}={first['input']}: {first['msg']}") from error


def load(kind: Kind, name: str) -> type[Any]:
    """The class behind an entry point. Raises UserError as ``create`` does."""
    found = {point.name: point for point in _points(kind)}
    if name not in found:
        raise UserError(f"no {kind} is named '{name}'{_suggestion(name, list(found))}")
    try:
        plugin = found[name].load()
    except Exception as error:
        package, version = origin(kind, name)
        raise UserError(
            f"{kind} '{name}' of {package} {version} cannot be loaded ({type(error).__name__}: {error})"
        ) from error
    return plugin  # type: ignore[no-any-return]


def origin(kind: Kind, name: str) -> tuple[str, str]:
    """Package and version that registered this name."""
    for point in _points(kind):
        if point.name == name and point.dist is not None:
            return point.dist.name, point.dist.version
    return "unknown", "unknown"


def listing() -> list[Listing]:
    """Every registered plugin, a broken one with its reason."""
    lines = []
    for kind in GROUPS:
        for point in sorted(_points(kind), key=lambda point: point.name):
            package, version = origin(kind, point.name)
            try:
                plugin = load(kind, point.name)
            except UserError as error:
                lines.append(Listing(point.name, kind, package, version, f"broken: {error}"))
                continue
            capabilities = getattr(plugin, "capabilities", None)
            held = tuple(key for key, value in vars(capabilities).items() if value) if capabilities else ()
            lines.append(Listing(point.name, kind, package, version, "ok", held))
    return lines


def _points(kind: Kind) -> list[EntryPoint]:
    return list(entry_points(group=GROUPS[kind]))


def _suggestion(word: str, known: list[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean '{close[0]}'?" if close else f"; known are {', '.join(sorted(known)) or 'none'}"
