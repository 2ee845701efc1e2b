"""Which atom is which: i-PI sends positions, never species."""

from __future__ import annotations

from pathlib import Path

from rfp_md.errors import UserError
from rfp_md.frames import Frames
from rfp_md.interfaces.ipi.xyz import comment_of, read_ipi_xyz
from rfp_md.potential import Potential


def template_of(potential: Potential, path: str | Path | None, *, says_boundaries: bool = True) -> Frames:
    """Get the atoms of a run in their order, one structure: from a file, or the model's own where it knows only one.

    Args:
        says_boundaries: whether only the template says if the run is periodic; i-PI sends a cell for whatever it has.

    Raises:
        UserError: a file that cannot be read or has atoms that the model does not know, no file where the model is for
            any composition, or a free structure for a model of crystals.
    """
    if path is not None:
        structure = read_structure(potential, path)
        if says_boundaries and potential.reference.periodic and not structure.periodic:
            raise UserError(
                f"{path}: is not periodic, but the model was trained on periodic structures; give it their boundaries "
                '(extxyz: Lattice="…" pbc="T T T"), and a molecule a large cell'
            )
        return structure
    if not needs_template(potential):
        return potential.reference
    raise UserError("this model is for any composition; say which atoms the server has with --template FILE")


def needs_template(potential: Potential) -> bool:
    """Say whether the model cannot tell itself which atoms a run has."""
    return not (potential.fixed_composition or potential.record.get("data", {}).get("one_composition"))


def read_structure(potential: Potential, path: str | Path) -> Frames:
    """Read the first structure of a file. Raises UserError where the model has nothing to say about its atoms.

    A file in i-PI's own xyz is periodic where the model's training structures are.
    """
    from rfp_md.io import read

    if (comment := comment_of(path)) is not None:
        frames = read_ipi_xyz(path, comment, periodic=potential.reference.periodic)
    else:
        frames = read(path, stresses=False).blocks[0][:1]
    potential.check(frames)
    return frames
