"""The table of limits, gathered from the fields of the results of all checks; docs/validation.md is made from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rfp_md.validation import figures
from rfp_md.validation.checks import row
from rfp_md.validation.figures import Figure, figures_of


def limits_of(check: str) -> dict[str, Figure]:
    """Collect the figures by which a check is judged, by name, each with its unit, meaning and limit."""
    return {name: figure for name, figure in figures_of(row(check).result).items() if figure.limit is not None}


def judge(check: str, values: Mapping[str, Any], **excused: Iterable[str]) -> dict[str, Any]:
    """Hold figures of a check against its limits, as ``rfp_md.validation.figures.judge`` does."""
    return figures.judge(limits_of(check), values, **excused)
