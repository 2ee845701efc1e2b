"""The validation record of a model: in its file, for whoever opens it."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import Any

from rfp_md.artifact import rewrite_record
from rfp_md.validation.thresholds import Verdict

CHECKS = ("forces", "nve", "stability", "geometry")
KEY = "validation"
VERDICTS = {str(verdict): verdict for verdict in Verdict}


def add(model: str | Path, results: Mapping[str, Any]) -> None:
    """Write results of checks into a model's file, beside those that are there.

    A quick run that passes does not take the place of a whole one.

    Raises:
        UserError: the file cannot be written.
    """

    def update(record: dict[str, Any]) -> dict[str, Any]:
        checks = dict(record.get(KEY, {}).get("checks", {}))
        for name, result in results.items():
            if not (name in checks and result["quick"] and result["passed"] and not checks[name]["quick"]):
                checks[name] = result
        return record | {KEY: {"verdict": str(overall(checks)), "checks": checks}}

    rewrite_record(model, update)


def overall(checks: Mapping[str, Any]) -> Verdict:
    """The worst of the checks."""
    return max((VERDICTS[result["verdict"]] for result in checks.values()), default=Verdict.passed)


def summary(record: Mapping[str, Any]) -> str:
    """What a model's record says about its validation, in one line."""
    checks = record.get(KEY, {}).get("checks", {})
    if not checks:
        return "never validated"
    parts = [_of_check(name, checks[name]) for name in CHECKS if name in checks]
    missing = [name for name in CHECKS if name not in checks]
    return f"{record[KEY]['verdict']}: {', '.join(parts)}" + (f"; not run: {', '.join(missing)}" if missing else "")


def doubt(record: Mapping[str, Any], model: str | Path) -> str | None:
    """Why a model should not be trusted as it is, in one line; None for one that passed what was run."""
    found = record.get(KEY)
    if not found:
        return f"{model} was never validated; run 'rfp validate {model} all'"
    if found["verdict"] == str(Verdict.failed):
        failed = [name for name in CHECKS if name in found["checks"] and not found["checks"][name]["passed"]]
        return f"{model} failed its validation ({', '.join(failed)}); 'rfp info {model}' says more"
    return None


def _of_check(name: str, result: Mapping[str, Any]) -> str:
    """A check with its verdict, and which figures are beyond their strict limits."""
    beyond = [line["figure"] for line in result["judged"] if line["verdict"] != str(Verdict.passed)]
    return (
        f"{name} {result['verdict']}"
        + (f" [{', '.join(beyond)}]" if beyond else "")
        + (" (quick)" if result["quick"] else "")
    )


def plain(value: Any) -> Any:
    """As JSON can hold it: None for what is not a number."""
    if isinstance(value, dict):
        return {key: plain(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [plain(entry) for entry in value]
    return None if isinstance(value, float) and not isfinite(value) else value
