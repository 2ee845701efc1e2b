"""Our command lines as a user meets them, without a new Python for each call."""

from __future__ import annotations

import contextlib
import gc
import io
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

from rfp_md.cli import app, rfp_driver


def rfp(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """What rfp leaves behind: exit code, stdout and stderr."""
    return called(app.main, "rfp", *arguments, cwd=cwd)


def process(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """The same of rfp in a Python of its own, as a shell runs it."""
    command = [sys.executable, "-m", "rfp_md.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False)


def driver(*arguments: object) -> subprocess.CompletedProcess[str]:
    """What rfp-driver leaves behind where no server is needed."""
    return called(rfp_driver.main, "rfp-driver", *arguments)


def refused(*arguments: object, cwd: Path | None = None) -> str:
    """The one line on stderr of a command that must exit with 2."""
    result = rfp(*arguments, cwd=cwd)
    assert result.returncode == 2, result.stderr
    assert result.stdout == ""
    lines = [line for line in result.stderr.splitlines() if "features: peak memory about" not in line]
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("rfp: ")
    return lines[0]


def called(
    main: Callable[[], NoReturn], program: str, *arguments: object, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """The program in this process: to start Python and import everything takes longer than most commands."""
    command = [program, *map(str, arguments)]
    output, errors = io.StringIO(), io.StringIO()
    with contextlib.ExitStack() as stack:
        stack.enter_context(_own_process(command, Path.cwd() if cwd is None else cwd))
        stack.enter_context(contextlib.redirect_stdout(output))
        stack.enter_context(contextlib.redirect_stderr(errors))
        stack.enter_context(_warnings_on_stderr())
        try:
            main()
        except SystemExit as ended:
            return subprocess.CompletedProcess(command, _code(ended), output.getvalue(), errors.getvalue())
    raise AssertionError(f"{program} did not exit")


@contextlib.contextmanager
def _own_process(command: list[str], folder: Path) -> Iterator[None]:
    """Arguments and working directory as of ``python -m`` there; afterwards they, modules and signals are as before."""
    arguments, path = sys.argv, list(sys.path)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    sys.argv, sys.path[:0] = command, [str(folder)]
    try:
        with contextlib.chdir(folder):
            yield
    finally:
        sys.argv, sys.path[:] = arguments, path
        for number, handler in handlers.items():
            signal.signal(number, handler)
        gc.unfreeze()
        for name, module in list(sys.modules.items()):
            if Path(getattr(module, "__file__", None) or "/").parent == folder:
                del sys.modules[name]


@contextlib.contextmanager
def _warnings_on_stderr() -> Iterator[None]:
    """As Python does where pytest does not collect them."""

    def show(message, category, filename, lineno, file=None, line=None) -> None:
        print(warnings.formatwarning(message, category, filename, lineno, line), end="", file=sys.stderr)

    with warnings.catch_warnings():
        warnings.resetwarnings()
        for ignored in (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning):
            warnings.simplefilter("ignore", ignored)
        warnings.showwarning = show
        yield


def _code(ended: SystemExit) -> int:
    return ended.code if isinstance(ended.code, int) else 0 if ended.code is None else 1
