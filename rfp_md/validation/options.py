"""What a check can be told: name, type and words of its options, from which the command line is made."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from typing import Any


@dataclass(frozen=True)
class CheckOption:
    """One option of a check, a keyword of its function.

    Attributes:
        name: the keyword, and the flag with hyphens.
        type: of one value, or a tuple of the words to choose from.
        help: what it is, for the command line.
        default: what the command line shows and passes on if the option is not given; None: nothing.
        default_text: the default in words, where ``default`` is None because it depends on others.
        several: whether it may be given more than once, for a list.
        smallest: value that a number may have.
        flag: whether the command line has it.
        of_all: whether ``all`` takes it too.
        whole: the value below which a run says less than one with the defaults, so that its record is ``quick``.
        look: of a file, MODULE:FUNCTION that is given the potential and the path before any work and raises UserError
            for a file that the check would refuse.
        beside: of a file that a whole run of a model has if none is given: what is added to the model's name.
    """

    name: str
    type: Any
    help: str = ""
    default: Any = None
    default_text: str = ""
    several: bool = False
    smallest: int | None = None
    flag: bool = True
    of_all: bool = False
    whole: float | None = None
    look: str = ""
    beside: str = ""

    def shortens(self, value: Any) -> bool:
        """Whether a run with this value (None: the default) says less than a whole one."""
        if self.whole is None or value is None:
            return False
        return bool(max(value if isinstance(value, Iterable) else [value]) < self.whole)


def imported(path: str) -> Any:
    """What MODULE:NAME names; imported when it is needed, so that the table of checks stays light."""
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)
