"""What a long computation tells while it runs; the command line shows it, the library is silent."""

from __future__ import annotations


class Progress:
    """A silent listener; the command line's subclass draws a bar on stderr."""

    def start(self, label: str, total: int, unit: str) -> None:
        """Begin a stage of ``total`` units of work."""

    def advance(self, done: int) -> None:
        """Say that so many more units of the stage are done."""

    def message(self, text: str) -> None:
        """Show one line to the user."""

    def section(self, text: str) -> None:
        """One of several pieces of work, each with stages of its own, begins."""
        self.message(text)
