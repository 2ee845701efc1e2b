"""What a long computation tells while it runs; the command line shows it, the library is silent."""

from __future__ import annotations


class Progress:
    """A silent listener; the command line's subclass draws a bar on stderr."""

    def start(self, label: str, total: int) -> None:
        """A stage of ``total`` rows begins."""

    def advance(self, rows: int) -> None:
        """So many more rows are done."""

    def message(self, text: str) -> None:
        """One line for the user."""
