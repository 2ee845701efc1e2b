"""What flags say: --descriptor, --regressor, --baseline (NAME[:key=value,…]), --learning-curve, --time-budget."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from rfp_md import plugins
from rfp_md.baselines import Baseline
from rfp_md.descriptors import Descriptor
from rfp_md.errors import UserError
from rfp_md.regressors import Regressor

SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0}


def parse_plugin(text: str, flag: str) -> tuple[str, dict[str, Any]]:
    """Split ``NAME[:key=value,…]``. Raises UserError naming the flag."""
    name, _, rest = text.partition(":")
    parameters = {}
    for item in filter(None, rest.split(",")):
        key, equals, value = item.partition("=")
        if not equals:
            raise UserError(f"{flag} {text}: '{item}' is not key=value")
        if key.strip() in parameters:
            raise UserError(f"{flag} {text}: '{key.strip()}' stands twice")
        parameters[key.strip()] = value.strip()
    return name, parameters


def with_defaults(text: str, defaults: str, flag: str) -> str:
    """Add the parameters that ``defaults``, such a text too, has of the same plugin and ``text`` does not name."""
    (name, parameters), (theirs, more) = parse_plugin(text, flag), parse_plugin(defaults, flag)
    if name != theirs:
        return text
    joined = ",".join(f"{key}={value}" for key, value in (more | parameters).items())
    return f"{name}:{joined}" if joined else name


def make_terms(flags: Sequence[str]) -> tuple[list[Descriptor], list[int | None]]:
    """The descriptors, and the width of each where it is given as the parameter ``width``."""
    terms, widths = [], []
    for text in flags:
        name, parameters = parse_plugin(text, "--descriptor")
        width = parameters.pop("width", None)
        if width is not None and not (width.isascii() and width.isdigit() and int(width) > 0):
            raise UserError(f"--descriptor {text}: width must be a positive whole number")
        terms.append(plugins.create("descriptor", name, parameters))
        widths.append(None if width is None else int(width))
    return terms, widths


def make_regressor(text: str) -> Regressor:
    """The regressor that one ``NAME[:key=value,…]`` stands for."""
    name, parameters = parse_plugin(text, "--regressor")
    regressor: Regressor = plugins.create("regressor", name, parameters)
    return regressor


def make_baselines(flags: Sequence[str]) -> list[Baseline]:
    """The baselines that flags stand for, in their order."""
    baselines: list[Baseline] = []
    for text in flags:
        name, parameters = parse_plugin(text, "--baseline")
        baselines.append(plugins.create("baseline", name, parameters))
        if missing := [key for key in baselines[-1].given if key not in parameters]:
            described = type(baselines[-1]).model_fields[missing[0]].description
            raise UserError(f"--baseline {text}: needs {missing[0]}=…, {described}")
    return baselines


def parse_sizes(text: str) -> list[int]:
    """The numbers of training frames of a text such as ``50,100,200``."""
    try:
        sizes = [int(size) for size in text.split(",")]
    except ValueError as error:
        raise UserError(f"--learning-curve {text}: must be numbers of training frames, as in 50,100,200") from error
    return sizes


def parse_duration(text: str, flag: str) -> float:
    """The seconds of ``90s``, ``5min`` or ``1.5h``."""
    found = re.fullmatch(r"(\d+(?:\.\d*)?) ?(s|min|h)", text.strip(), re.ASCII)
    seconds = float(found[1]) * SECONDS[found[2]] if found else 0.0
    if not 0.0 < seconds < math.inf:
        raise UserError(f"{flag} {text}: must be a time with its unit, as in 90s, 5min or 1h")
    return seconds
