"""How far a command is, on stderr: a bar in a terminal, a line now and then in a file."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from typing import Any

from rfp_md.cli.console import Visible
from rfp_md.progress import Progress

FIRST, LONGEST = 10.0, 300.0  # s; a line after the first, then after as long again as it took so far, up to the longest


@contextlib.contextmanager
def shown_progress() -> Iterator[Progress]:
    """Show how far the work is, until it ends, however that comes."""
    progress = BarProgress() if sys.stderr.isatty() else LineProgress()
    try:
        yield progress
    finally:
        progress.stop()


class LineProgress(Progress):
    """Lines for a log: whatever is said, and of a long stage how much of it is done."""

    def start(self, label: str, total: int, unit: str) -> None:
        """Begin a stage; nothing is said of one that ends soon."""
        self._label, self._total, self._unit, self._done = label, total, unit, 0
        self._began, self._next = time.monotonic(), FIRST

    def advance(self, done: int) -> None:
        """Say how much is done, if nothing was said for long."""
        self._done += done
        elapsed = time.monotonic() - self._began
        if elapsed < self._next or self._done >= self._total:
            return
        self._next = elapsed + min(elapsed, LONGEST)
        rate = self._done / elapsed
        self.message(
            f"{self._label}: {self._done / self._total:.0%} of {self._total:,} {self._unit}, {rate:,.3g} "
            f"{self._unit}/s, about {_duration((self._total - self._done) / rate)} left"
        )

    def message(self, text: str) -> None:
        """Say something on stderr at once."""
        print(text, file=sys.stderr, flush=True)

    def stop(self) -> None:
        """Leave the lines where they are."""


class BarProgress(LineProgress):
    """A bar for each stage, with its speed."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, ProgressColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bars
        from rich.text import Text

        class Speed(ProgressColumn):
            def render(self, task: Any) -> Text:
                return Text(f"{task.finished_speed or task.speed:,.0f} {task.fields['unit']}/s" if task.speed else "")

        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), Speed())
        drawn = sys.stderr.drawing() if isinstance(sys.stderr, Visible) else sys.stderr
        self._bars = Bars(*columns, TimeRemainingColumn(), console=Console(file=drawn))
        self._task: Any = None

    def start(self, label: str, total: int, unit: str) -> None:
        """Show a new bar, of so many units."""
        self._bars.start()
        self._task = self._bars.add_task(label, total=total, unit=unit)

    def advance(self, done: int) -> None:
        """Move the bar on by what was done."""
        self._bars.advance(self._task, done)

    def section(self, text: str) -> None:
        """Begin another part of the work, without the bars of the last one."""
        # The bars of many pieces would fill the screen.
        for task in self._bars.task_ids:
            self._bars.remove_task(task)
        super().section(text)

    def stop(self) -> None:
        """Take the bars away."""
        self._bars.stop()


def _duration(seconds: float) -> str:
    """Some seconds as people say them."""
    for size, unit in ((3600.0, "h"), (60.0, "min")):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"
