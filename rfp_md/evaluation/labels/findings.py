"""What an audit says of reference frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

SHOWN = 5  # frames that a sentence names


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with reference frames.

    Attributes:
        name: which thing, in one word, for programs.
        value: its figure: a ratio, or how many frames.
        text: one sentence with what was found and the remedy.
    """

    name: str
    value: float
    text: str

    def as_dict(self) -> dict[str, Any]:
        """As JSON, for the record of a model."""
        return asdict(self)


def named(frames: Sequence[str]) -> str:
    """Name a few frames of a list, as in ``frame 3, frame 8 and 5 more``."""
    more = len(frames) - SHOWN
    return ", ".join(frames[:SHOWN]) + (f" and {more} more" if more > 0 else "")
