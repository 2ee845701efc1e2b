"""What a check found, and running many of them."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NoReturn

from rfp_md.errors import UserError

Status = Literal["held", "failed", "skipped"]


@dataclass(frozen=True)
class Outcome:
    """What one check found: a line of the table.

    Attributes:
        check: its name.
        status: held, failed, or skipped (it does not apply).
        message: what to mend, or why it was skipped.
    """

    check: str
    status: Status
    message: str = ""


class CheckFailedError(Exception):
    """A defect; the text says what to mend."""


class CheckSkippedError(Exception):
    """The check does not apply; the text says why."""


def fail(message: str) -> NoReturn:
    """End a check as failed; the message says what to mend."""
    raise CheckFailedError(message)


def skip(reason: str) -> NoReturn:
    """End a check as one that does not apply, for this reason."""
    raise CheckSkippedError(reason)


def run_checks(checks: Sequence[Callable[[], None]]) -> list[Outcome]:
    """Run every check, whatever happens in the others; each is named by its function."""
    outcomes = []
    for check in checks:
        name = getattr(check, "__name__", str(check)).replace("_", " ")
        try:
            check()
        except CheckSkippedError as reason:
            outcomes.append(Outcome(name, "skipped", str(reason)))
        except CheckFailedError as failure:
            outcomes.append(Outcome(name, "failed", str(failure)))
        except UserError as error:
            outcomes.append(Outcome(name, "failed", str(error)))
        except Exception as error:  # noqa: BLE001  a plugin under test may raise anything
            place = traceback.extract_tb(error.__traceback__)[-1]
            said = " ".join(str(error).split())
            where = f"{Path(place.filename).name} line {place.lineno}"
            outcomes.append(Outcome(name, "failed", f"it raised {type(error).__name__} in {where}: {said}"))
        else:
            outcomes.append(Outcome(name, "held"))
    return outcomes


def raise_failures(plugin: str, outcomes: Sequence[Outcome]) -> None:
    """Raise AssertionError with one line for each failed check."""
    failures = [f"{plugin}: {outcome.check}: {outcome.message}" for outcome in outcomes if outcome.status == "failed"]
    if failures:
        raise AssertionError("\n".join(failures))
