"""What every command shares: errors in one line, tables, JSON."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import sys
import traceback
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import typer

from rfp_md.cli.signals import end_native_calls, handle
from rfp_md.errors import UserError

# Control characters but for tab and new line, and those that turn the direction of writing or break lines.
COMMANDS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


class _Forgiving(io.FileIO):
    """A stream that may fail in some way: what is being done goes on, to its own exit code."""

    def __init__(self, number: int, forgiven: type[OSError]) -> None:
        super().__init__(number, "w", closefd=False)
        self._forgiven = forgiven

    def write(self, data: Any) -> int:
        """Write, and say that all was written where the forgiven error came."""
        try:
            return super().write(data)
        except self._forgiven:
            return len(data)


def run_app(app: typer.Typer, program: str) -> NoReturn:
    """Run a command line and exit.

    Errors are one line on stderr: exit code 2 for bad input, 3 for a bug of ours. --debug adds the traceback.
    """
    # Who reads our output may have enough of it (``| head``); a log may fail as it likes, a full disk included.
    for name, forgiven in (("stdout", BrokenPipeError), ("stderr", OSError)):
        if type(stream := getattr(sys, name)) is io.TextIOWrapper:
            setattr(sys, name, _patient(stream, forgiven))
    # Idle threads of OpenBLAS wait for more work in a loop, 2²⁶ turns long. numpy and scipy have a library each, on
    # the same cores: on two of them, a fit takes a third longer, and a driver takes time from its server. To be said
    # before either is imported; the user's own word counts.
    os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "10")
    warnings.showwarning = lambda text, *where: print(f"{program}: warning: {text}", file=sys.stderr)
    # So that what is open is closed, and what is temporary removed, before the end.
    handle(signal.SIGTERM, lambda number: sys.exit(128 + number))
    end_native_calls(program)
    try:
        status = app(prog_name=program, standalone_mode=False)
        sys.stdout.flush()
    except UserError as error:
        fail(program, str(error))
    except KeyboardInterrupt:
        fail(program, "interrupted", code=130)
    except Exception as error:  # noqa: BLE001
        # click's usage errors carry their own sentence; anything else is a bug.
        if hasattr(error, "format_message"):
            fail(program, error.format_message())
        fail(program, f"internal error, {type(error).__name__}: {error}; --debug shows where", code=3)
    sys.exit(status if isinstance(status, int) else 0)


class Visible(io.TextIOWrapper):
    """A stream on which nothing that a file says commands the terminal: its control characters are shown instead."""

    def write(self, text: str) -> int:
        """Write, with what is not to be seen as people read it."""
        super().write(COMMANDS.sub(_escaped, text))
        return len(text)

    def drawing(self) -> io.TextIOWrapper:
        """The same stream for those who draw on the terminal themselves."""
        return io.TextIOWrapper(self.buffer, self.encoding, "replace", line_buffering=True)


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()


def _patient(stream: io.TextIOWrapper, forgiven: type[OSError]) -> io.TextIOWrapper:
    """The same file, which minds neither what cannot be encoded nor this error."""
    raw = io.BufferedWriter(_Forgiving(stream.fileno(), forgiven))
    at_once = stream is sys.stderr or stream.line_buffering
    return Visible(raw, stream.encoding, "replace", line_buffering=at_once)


def fail(program: str, text: str, code: int = 2) -> NoReturn:
    """Say in one line on stderr what is wrong, and exit with a code; the traceback comes before it with --debug."""
    if "--debug" in sys.argv and sys.exc_info()[0] is not None:
        traceback.print_exc()
    print(f"{program}: {' '.join(text.split())}", file=sys.stderr)
    sys.exit(code)


def print_json(values: Any) -> None:
    """Print one JSON object, the only thing on stdout. Raises ValueError for what is not a number."""
    print(json.dumps(values, indent=2, allow_nan=False))


def print_values(values: Mapping[str, Any], title: str) -> None:
    """Print two columns under a title."""
    width = max((len(key) for key in values), default=0)
    print(title)
    for key, value in values.items():
        print(f"  {key:<{width}}  {_text(value)}")


def print_rows(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a plain table that can be read by people and cut by tools."""
    widths = [max(len(row[k]) for row in (header, *rows)) for k in range(len(header))]
    for row in (header, *rows):
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    return "–" if value is None else str(value).replace("\n", "\\n")
