"""Every plugin, ours like everybody's, is an entry point: found lazily and loaded with care.

A plugin is a pydantic model: its fields are its parameters (type, default, one line of help), and
``state`` holds the arrays that it learns from the training frames. Names are read from the packages'
metadata; a plugin's module is imported only when that plugin is used.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import EntryPoint, distributions, entry_points
from types import ModuleType, NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import ValidationError

from rfp_md.errors import UserError
from rfp_md.plugins.base import ENTRY_POINTS, Kind, Plugin


@dataclass(frozen=True)
class Parameter:
    """One parameter of a plugin, as its definition states it."""

    name: str
    type: str
    default: Any
    help: str


@dataclass(frozen=True)
class Listing:
    """What ``rfp plugins`` says of one plugin: a line of the table."""

    name: str
    kind: Kind
    package: str
    version: str
    status: str
    capabilities: tuple[str, ...] = ()


def create(kind: Kind, name: str, parameters: dict[str, Any]) -> Any:
    """The plugin of this name with these parameters.

    Raises:
        UserError: no plugin of that name, one that cannot be used, or parameters that it refuses.
    """
    plugin = load(kind, name)
    try:
        return plugin(**parameters)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            fields = list(plugin.model_fields) + (["width"] if kind == "descriptor" else [])
            raise UserError(f"{kind} '{name}' has no parameter '{key}'{_suggestion(key, fields)}") from error
        said = f"{key}={first['input']}: " if key else ""  # what is wrong with several together names them itself
        raise UserError(f"{kind} '{name}': {said}{first['msg'].removeprefix('Value error, ')}") from error


def load(kind: Kind, name: str) -> type[Any]:
    """The class behind an entry point. Raises UserError as ``create`` does."""
    points = [point for point in _points(kind) if point.name == name]
    if not points:
        raise UserError(f"no {kind} is named '{name}'{_suggestion(name, registered_names(kind))}")
    if len(points) > 1:
        packages = sorted(_package(point)[0] for point in points)
        others = " or ".join(sorted(package for package in packages if package != "rfp-md"))
        raise UserError(f"{kind} '{name}' is registered by {' and '.join(packages)}; uninstall {others}")
    package, version = _package(points[0])
    who = f"{kind} '{name}' of {package} {version}"
    try:
        plugin = points[0].load()
    except ModuleNotFoundError as error:
        if f"{points[0].module}.".startswith(f"{error.name}."):
            raise UserError(f"{who}: its entry point names '{points[0].module}', which is not there") from error
        raise UserError(f"{who} needs '{error.name}', which is not installed; pip install it") from error
    except Exception as error:
        reason = " ".join(str(error).split("\n")[0].split())
        raise UserError(f"{who} cannot be loaded ({type(error).__name__}: {reason})") from error
    if defect := _defect(kind, name, plugin):
        raise UserError(f"{who} cannot be used: {defect}")
    return plugin  # type: ignore[no-any-return]


def check_version(kind: Kind, name: str, package: str, version: str) -> None:
    """Raise UserError unless what is installed computes models alike that this version of a package made."""
    if name not in registered_names(kind):
        if any(distribution.name == package for distribution in distributions()):
            raise UserError(
                f"needs {kind} '{name}' of {package}, which is installed but registers no such name; "
                f'see [project.entry-points."{ENTRY_POINTS[kind]}"] in its pyproject.toml'
            )
        raise UserError(
            f"needs {kind} '{name}' of {package} {version}, which is not installed; pip install '{package}=={version}'"
        )
    from packaging.version import InvalidVersion, Version

    found, installed = origin(kind, name)
    if (found, installed) == (package, version):
        return
    since = load(kind, name).compatible_since
    try:
        alike = since is not None and Version(since) <= Version(version) <= Version(installed)
    except InvalidVersion:
        alike = False
    if found != package or not alike:
        raise UserError(
            f"was made with {kind} '{name}' of {package} {version}, but {found} {installed} is installed, which does "
            f"not declare that it computes such models alike; pip install '{package}=={version}', or train it again"
        )


def origin(kind: Kind, name: str) -> tuple[str, str]:
    """The package that registered this name, and its version."""
    return next((_package(point) for point in _points(kind) if point.name == name), ("unknown", "unknown"))


def listing() -> list[Listing]:
    """Every registered plugin, a broken one with its reason."""
    lines = []
    for kind in ENTRY_POINTS:
        for point in sorted(_points(kind), key=lambda point: point.name):
            status, held = "ok", ()
            try:
                capabilities = getattr(create(kind, point.name, {}), "capabilities", None)
                held = tuple(key for key, value in vars(capabilities).items() if value) if capabilities else ()
            except UserError as error:
                status = f"broken: {error}"
            lines.append(Listing(point.name, kind, *_package(point), status, held))
    return lines


def parameters(plugin: type[Plugin]) -> list[Parameter]:
    """The parameters of a plugin, from its own definition."""
    return [
        Parameter(
            name, _type_name(field.annotation), field.get_default(call_default_factory=True), field.description or ""
        )
        for name, field in plugin.model_fields.items()
    ]


def registered_names(kind: Kind) -> list[str]:
    """The names of all plugins of a kind; none is imported."""
    return [point.name for point in _points(kind)]


def find(name: str) -> list[tuple[Kind, type[Any]]]:
    """Every kind of plugin with this name. Raises UserError if there is none."""
    found = [kind for kind in ENTRY_POINTS if name in registered_names(kind)]
    if not found:
        known = [known for kind in ENTRY_POINTS for known in registered_names(kind)]
        raise UserError(f"no plugin is named '{name}'{_suggestion(name, known)}")
    return [(kind, load(kind, name)) for kind in found]


def _defect(kind: Kind, name: str, plugin: Any) -> str | None:
    """What keeps an imported object from being a plugin of this kind, if anything."""
    base: Any = getattr(import_module(f"rfp_md.{kind}s.base"), kind.capitalize())
    if isinstance(plugin, ModuleType):
        return "its entry point names a module; add ':' and the name of the class"
    is_plugin: Any = isinstance(plugin, type) and issubclass(plugin, base)
    if not is_plugin:
        other = "; it is registered in the wrong group" if getattr(plugin, "kind", kind) != kind else ""
        return f"it is no subclass of {base.__module__}.{base.__name__}{other}"
    missing = sorted(getattr(plugin, "__abstractmethods__", ()))
    if kind == "descriptor" and all(
        getattr(plugin, way) is getattr(base, way) for way in ("jacobian", "neighbour_jacobian", "pullback")
    ):
        missing.append("jacobian or pullback")
    if missing:
        return f"it does not define {', '.join(missing)}"
    if getattr(plugin, "name", None) != name:
        return (
            f"its class has name = {getattr(plugin, 'name', None)!r}, but its entry point is '{name}'; "
            f'write name: ClassVar[str] = "{name}"'
        )
    required = [key for key, field in plugin.model_fields.items() if field.is_required()]
    if required:
        return f"its parameter '{required[0]}' has no default; give it one"
    return None


def _points(kind: Kind) -> list[EntryPoint]:
    return list(entry_points(group=ENTRY_POINTS[kind]))


def _package(point: EntryPoint) -> tuple[str, str]:
    return (point.dist.name, point.dist.version) if point.dist is not None else ("unknown", "unknown")


def _type_name(annotation: Any) -> str:
    """A type in words."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation is NoneType:
        return "none"
    if origin is Literal:
        return "one of " + ", ".join(str(choice) for choice in arguments)
    if origin is Annotated:
        return _type_name(arguments[0])
    if origin is tuple:
        return f"{_type_name(arguments[0])}, several as in a/b"
    if origin in (Union, UnionType):
        return " or ".join(_type_name(argument) for argument in arguments)
    return getattr(annotation, "__name__", str(annotation))


def _suggestion(word: str, known: list[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean '{close[0]}'?" if close else f"; known are {', '.join(sorted(known)) or 'none'}"
