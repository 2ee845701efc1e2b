"""What a figure of a check is: unit, meaning and limit, written beside the field of the result that has it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from math import isfinite
from typing import Any, get_type_hints


class Verdict(IntEnum):
    """What is said of a figure, a check, or a model: the worst of its parts."""

    passed = 0
    warning = 1
    failed = 2

    def __str__(self) -> str:
        return ("pass", "pass with warnings", "fail")[self]


@dataclass(frozen=True)
class Limit:
    """What a figure may be: within ``strict`` it passes, within ``default`` with a warning, beyond it fails.

    Attributes:
        strict, default: the largest |figure − target|, or with ``at_least`` the smallest figure.
        source: where the limit comes from.
    """

    strict: float
    default: float
    source: str
    target: float = 0.0
    at_least: bool = False

    def judge(self, value: float) -> Verdict:
        """Judge a figure; what is not a number fails."""
        if not isfinite(value):
            return Verdict.failed
        if self.at_least:
            return Verdict(int(value < self.strict) + int(value < self.default))
        off = abs(value - self.target)
        return Verdict(int(off > self.strict) + int(off > self.default))

    def text(self, bound: float) -> str:
        """Write a bound as people read it."""
        if self.at_least:
            return f"≥ {bound:g}"
        return f"{self.target - bound:g} to {self.target + bound:g}" if self.target else f"≤ {bound:g}"


@dataclass(frozen=True)
class Figure:
    """What stands beside a field, as ``Annotated[float, Figure("eV", "largest component of Σ r × f", LIMIT)]``.

    Attributes:
        unit: of the figure, or what it counts.
        meaning: what the figure is, in one line.
        limit: None for one that is told and not judged.
    """

    unit: str = ""
    meaning: str = ""
    limit: Limit | None = None


def figures_of(result: type) -> dict[str, Figure]:
    """Collect the figures of a class of results, by the names of their fields."""
    return {
        name: told
        for name, hint in get_type_hints(result, include_extras=True).items()
        for told in getattr(hint, "__metadata__", ())
        if isinstance(told, Figure)
    }


def judge(
    figures: Mapping[str, Figure],
    values: Mapping[str, Any],
    *,
    lenient: Iterable[str] = (),
    uncertain: Iterable[str] = (),
) -> dict[str, Any]:
    """Hold values against the limits of their figures.

    Args:
        values: those that are None, or have no limit, are not judged.
        lenient: figures that do not fail: the potential promises nothing of them, or a run was too short to tell.
        uncertain: figures that are beyond their strict limit by no more than their error: no reason for a warning.

    Returns:
        ``passed``, ``verdict``, and ``judged``: a list of figure, value, strict, default, verdict, and ``uncertain``
        where a figure passed for that reason.
    """
    judged = []
    worst = Verdict.passed
    for name, figure in figures.items():
        value, limit = values.get(name), figure.limit
        if limit is None or value is None:
            continue
        verdict = limit.judge(value)
        excused = verdict is Verdict.warning and name in uncertain
        if excused:
            verdict = Verdict.passed
        if name in lenient:
            verdict = min(verdict, Verdict.warning)
        worst = max(worst, verdict)
        judged.append(
            {
                "figure": name,
                "value": value,
                "strict": limit.text(limit.strict),
                "default": limit.text(limit.default),
                "verdict": str(verdict),
                **({"uncertain": True} if excused else {}),
            }
        )
    return {"passed": worst < Verdict.failed, "verdict": str(worst), "judged": judged}
