"""What rfp-driver tells on stderr while it serves."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rfp_md.potential import Potential


def log(text: str) -> None:
    # A log that cannot be written (a full disk) is no reason to let the server down.
    with contextlib.suppress(OSError):
        print(f"rfp-driver: {text}", file=sys.stderr, flush=True)


def warn(potential: Potential, model: str | Path) -> None:
    """Say what is known against a model."""
    from rfp_md.validation.record import doubt

    if not potential.conservative:
        log("warning: a direct model's forces are not the gradient of its energy; it cannot conserve energy")
    if (text := doubt(potential.record, model)) is not None:
        log(f"warning: {text}")
