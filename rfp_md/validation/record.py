"""The validation record of a model: in its file, for whoever opens it."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import Any

from rfp_md.artifact.file import rewrite_record
from rfp_md.errors import UserError
from rfp_md.progress import Progress
from rfp_md.validation.checks import names
from rfp_md.validation.figures import Verdict

KEY = "validation"
VERDICTS = {str(verdict): verdict for verdict in Verdict}


def add(model: str | Path, results: Mapping[str, Any], *, identity: str | None = None) -> list[str]:
    """Write results of checks into a model's file, beside those that are there.

    A quick run (shorter or colder than the default) takes the place of a whole one only where it fails what that
    passed. A figure that failed and was not looked at again (of ``--data``, of another engine) stays a failure.

    Args:
        identity: of the model that they were found of; default: whichever is there.

    Returns:
        the figures whose failure in an earlier run the file still tells, though this run did not fail by them.

    Raises:
        UserError: the file cannot be written, or holds another model.
    """

    earlier: list[str] = []

    def update(record: dict[str, Any]) -> dict[str, Any]:
        checks = dict(record.get(KEY, {}).get("checks", {}))
        for name, result in results.items():
            checks[name] = _joined(checks.get(name), result)
            earlier.extend(_failures(checks[name]) - _failures(result))
        return record | {KEY: {"verdict": str(overall(checks)), "checks": checks}}

    rewrite_record(model, update, identity=identity)
    return sorted(earlier)


def _joined(old: dict[str, Any] | None, new: dict[str, Any]) -> dict[str, Any]:
    """What is kept of a check that was run again."""
    if old is None:
        return new
    if new["quick"] and not old["quick"] and (new["passed"] or not old["passed"]):
        return old
    looked_at = {line["figure"] for line in new["judged"]}
    kept = [line for line in old["judged"] if line["figure"] in _failures(old) - looked_at]
    if not kept:
        return new
    judged = [*new["judged"], *(line | {"earlier": True} for line in kept)]
    return new | {"passed": False, "verdict": str(Verdict.failed), "judged": judged}


def _failures(result: Mapping[str, Any]) -> set[str]:
    """The figures that failed."""
    return {line["figure"] for line in result["judged"] if line["verdict"] == str(Verdict.failed)}


def overall(checks: Mapping[str, Any]) -> Verdict:
    """The worst of the checks."""
    return max((VERDICTS[result["verdict"]] for result in checks.values()), default=Verdict.passed)


def summary(record: Mapping[str, Any]) -> str:
    """What a model's record says about its validation, in one line."""
    checks = record.get(KEY, {}).get("checks", {})
    if not checks:
        return "never validated"
    parts = [_of_check(name, checks[name]) for name in names() if name in checks]
    verdict, missing = record[KEY]["verdict"], not_run(record)
    so_far = " so far" if missing and verdict != str(Verdict.failed) else ""
    return f"{verdict}{so_far}: {', '.join(parts)}" + (f"; not run: {', '.join(missing)}" if missing else "")


def not_run(record: Mapping[str, Any]) -> list[str]:
    """The checks that a model's record says nothing of."""
    return [name for name in names() if name not in record.get(KEY, {}).get("checks", {})]


def doubt(record: Mapping[str, Any], model: str | Path) -> str | None:
    """Why a model should not be trusted as it is, in one line; None for one that passed all checks."""
    found = record.get(KEY)
    if not found:
        return f"{model} was never validated; run 'rfp validate {model} all'"
    if found["verdict"] == str(Verdict.failed):
        failed = [name for name in names() if name in found["checks"] and not found["checks"][name]["passed"]]
        return f"{model} failed its validation ({', '.join(failed)}); 'rfp info {model}' says more"
    if missing := not_run(record):
        passed = [name + _length(found["checks"][name]) for name in names() if name in found["checks"]]
        were = "was" if len(missing) == 1 else "were"
        return f"{model} passed {', '.join(passed)}; {', '.join(missing)} {were} not run"
    return None


def _of_check(name: str, result: Mapping[str, Any]) -> str:
    """A check with its verdict, and which figures are beyond their strict limits."""
    beyond = [line["figure"] for line in result["judged"] if line["verdict"] != str(Verdict.passed)]
    return f"{name} {result['verdict']}" + (f" [{', '.join(beyond)}]" if beyond else "") + _length(result)


def _length(result: Mapping[str, Any]) -> str:
    """Of a run that was shorter than the default, that it was."""
    return " (quick)" if result["quick"] else ""


def plain(value: Any) -> Any:
    """As JSON can hold it: None for what is not a number."""
    if isinstance(value, dict):
        return {key: plain(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [plain(entry) for entry in value]
    return None if isinstance(value, float) and not isfinite(value) else value


def remember(model: str | Path, name: str, result: dict[str, Any], identity: str | None, progress: Progress) -> bool:
    """Write what was found into the model's file; False where that cannot be."""
    try:
        earlier = add(model, {name: result}, identity=identity)
    except UserError as error:
        progress.message(f"warning: {error}; the model's file does not get to know what was found")
        return False
    if earlier:
        progress.message(
            f"{name}: failed earlier by {', '.join(earlier)}, which this run does not replace; "
            "the model's file keeps that until a run of the same kind passes"
        )
    return True
