"""What a check returns: a frozen dataclass whose fields carry unit and limit, judged by these, and as JSON has it."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields, is_dataclass
from typing import Any

from rfp_md.validation.figures import figures_of, judge


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """What every check found; its figures are the fields of the class that a check makes of it.

    Attributes:
        lenient: figures that are a warning at most: the potential promises nothing of them, or a run was too short to
            tell.
        uncertain: figures that are beyond their strict limit by no more than their error.
    """

    lenient: tuple[str, ...] = ()
    uncertain: tuple[str, ...] = ()

    @property
    def judgement(self) -> dict[str, Any]:
        """The judgement of ``rfp_md.validation.figures.judge``: ``passed``, ``verdict`` and ``judged``."""
        return judge(figures_of(type(self)), vars(self), lenient=self.lenient, uncertain=self.uncertain)

    @property
    def passed(self) -> bool:
        """Whether no figure fails."""
        return bool(self.judgement["passed"])

    @property
    def verdict(self) -> str:
        """The verdict of the worst figure."""
        return str(self.judgement["verdict"])

    @property
    def verdicts(self) -> dict[str, str]:
        """The verdict of each figure that was judged."""
        return {line["figure"]: line["verdict"] for line in self.judgement["judged"]}

    def as_dict(self) -> dict[str, Any]:
        """Give the judgement and all fields, JSON-ready but for what is not a number."""
        found: dict[str, Any] = plain_fields(self)
        del found["lenient"], found["uncertain"]
        return self.judgement | found


def plain_fields(value: Any) -> Any:
    """Make dicts of dataclasses, also in lists; a field whose default is None is left out where it is None."""
    if is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: plain_fields(entry)
            for field in fields(value)
            if (entry := getattr(value, field.name)) is not None or field.default is MISSING
        }
    if isinstance(value, list | tuple):
        return [plain_fields(entry) for entry in value]
    return value
