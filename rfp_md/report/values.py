"""Figures as the page shows them: looked up in its JSON by their place, and as people read them."""

from __future__ import annotations

import json
from typing import Any

from markupsafe import Markup


def show(figures: dict[str, Any], path: str, unit: str = "", digits: int = 3) -> Markup:
    """A figure by its place in the JSON, as ``nve.runs.0.drift_ratio``, with what it is exactly as an attribute."""
    value: Any = figures
    for key in path.split("."):
        value = value[int(key)] if isinstance(value, list) else value[key]
    kind = "figure number" if isinstance(value, int | float) else "figure"
    shown = Markup('<span class="{}" data-figure="{}" data-value="{}">{}</span>').format(
        kind, path, json.dumps(value, allow_nan=False, ensure_ascii=False), text(value, digits)
    )
    return shown + Markup("&nbsp;{}").format(unit) if unit and value is not None else shown


def text(value: Any, digits: int = 3) -> str:
    """As people read it."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        plain = f"{value:.0f}" if 1e3 <= abs(value) < 1e6 else f"{value:.{digits}g}"
        return f"−{plain[1:]}" if plain.startswith("-") else plain
    if isinstance(value, list):
        return ", ".join(text(part, digits) for part in value)
    if isinstance(value, dict):
        return ", ".join(f"{key} {text(part, digits)}" for key, part in value.items())
    return str(value)


def embedded(figures: dict[str, Any]) -> Markup:
    """JSON that no text in it can break out of."""
    plain = json.dumps(figures, allow_nan=False, sort_keys=False)
    return Markup(plain.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


def subscripts(formula: str) -> Markup:
    """C2H6O with its numbers below the line."""
    return Markup("").join(Markup("<sub>{}</sub>").format(c) if c.isdigit() else c for c in formula)
