"""Which atom is which: i-PI sends positions, never species."""

from __future__ import annotations

from pathlib import Path

from rfp_md.errors import UserError
from rfp_md.frames import Frames
from rfp_md.potential import Potential


def template_of(potential: Potential, path: str | Path | None) -> Frames:
    """Get the atoms of a run in their order, one structure: from a file, or the model's own where it knows only one.

    Raises:
        UserError: a file that cannot be read or has atoms that the model does not know, or no file where the model
            is for any composition.
    """
    if path is not None:
        return read_structure(potential, path)
    if not needs_template(potential):
        return potential.reference
    raise UserError("this model is for any composition; say which atoms the server has with --template FILE")


def needs_template(potential: Potential) -> bool:
    """Say whether the model cannot tell itself which atoms a run has."""
    return not (potential.fixed_composition or potential.record.get("data", {}).get("one_composition"))


def read_structure(potential: Potential, path: str | Path) -> Frames:
    """Read the first structure of a file. Raises UserError where the model has nothing to say about its atoms."""
    from rfp_md.io import read

    frames = read(path).blocks[0][:1]
    potential.check(frames)
    return frames
