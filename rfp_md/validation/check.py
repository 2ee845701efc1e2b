"""A row of the table of checks: all that the rest of the package knows of a check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_type_hints

from rfp_md.validation.options import CheckOption, imported
from rfp_md.validation.result import CheckResult


@dataclass(frozen=True)
class Check:
    """One row.

    Attributes:
        name: what is typed, and the key in records.
        function: MODULE:FUNCTION, which takes a potential, the options as keywords and, if it has a parameter
            ``progress``, a Progress; it is annotated with the ``CheckResult`` that it returns.
        options: what it can be told.
        label, title: the name in lists, and over the section of the report's page.
        lacking: what the page says where the check was not run, before the line to type.
        example: options in that line.
        page: the template of the section, with a macro ``section`` and perhaps a ``card`` for the top of the page;
            without one, the section has all figures with their units and meanings, and the pictures.
        pictures: MODULE:FUNCTION from a record and the structure that it started from (None: unknown) to a dict that
            the template gets as ``drawn``; ``drawn.figures`` are SVG pictures.
        lines: MODULE:FUNCTION from a record to lines that the command line prints below the figures.
        leaves: MODULE:FUNCTION that writes files beside a model: (record, potential, model, progress).
    """

    name: str
    function: str
    options: tuple[CheckOption, ...] = ()
    label: str = ""
    title: str = ""
    lacking: str = "This check was not run. It takes:"
    example: str = ""
    page: str = ""
    pictures: str = ""
    lines: str = ""
    leaves: str = ""

    @property
    def result(self) -> type[CheckResult]:
        """The class of its results."""
        found: type[CheckResult] = get_type_hints(imported(self.function))["return"]
        return found

    def takes(self, option: str) -> bool:
        """Whether it has an option of that name."""
        return any(mine.name == option for mine in self.options)

    def shortened(self, quick: bool, options: Mapping[str, Any]) -> bool:
        """Whether a run with these options says less than one with the defaults."""
        if quick and self.takes("quick"):
            return True
        return any(option.shortens(options.get(option.name)) for option in self.options)
