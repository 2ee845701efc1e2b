"""One reader for every kind of file, chosen by its ending."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rfp_md.errors import UserError
from rfp_md.io.units import Units

if TYPE_CHECKING:
    from rfp_md.frames import Dataset, Frames

SLICE = re.compile(r"(?P<path>.+)@(?P<start>(?:-?\d+)?):(?P<stop>(?:-?\d+)?)(?::(?P<step>[1-9]\d*))?")


def read(paths: str | Path | Sequence[str | Path], units: Units | None = None, *, stresses: bool = True) -> Dataset:
    """Read reference frames.

    Args:
        paths: one file or several; ``.npz`` (rMD17, sGDML/MD17 or generic keys), else whatever ASE reads.
            ``FILE@start:stop[:step]`` takes a slice of a file's frames, as in ASE.
        units: what the flags say; needed where the format does not state its units.
        stresses: whether those of the files are taken.

    Returns:
        All frames in eV, Å, eV/Å and eV/Å³, one block for each run of frames of the same species.

    Raises:
        UserError: a file is missing, unreadable, empty, of unstated units, or holds bad numbers.
    """
    from rfp_md.frames import Dataset

    blocks: list[Frames] = []
    for path in paths_of(paths):
        blocks += _read_one(str(path), units or Units())
    dataset = Dataset(tuple(blocks))
    return dataset if stresses else dataset.without_stresses()


def paths_of(paths: str | Path | Sequence[str | Path]) -> Sequence[str | Path]:
    """Make a sequence of one path or several."""
    return [paths] if isinstance(paths, str | Path) else paths


def _read_one(name: str, units: Units) -> list[Frames]:
    import numpy as np

    from rfp_md.frames import Dataset
    from rfp_md.io.ase_files import read_with_ase
    from rfp_md.io.npz import read_npz

    path, chosen = Path(name), slice(None)
    if not path.is_file() and (match := SLICE.fullmatch(name)):
        path = Path(match["path"])
        chosen = slice(*(int(match[part]) if match[part] else None for part in ("start", "stop", "step")))
    if path.is_dir():
        raise UserError(f"{path}: is a folder; name the files in it")
    if not path.is_file():
        raise UserError(f"{name}: no such file (a slice of a file is written FILE@start:stop or FILE@start:stop:step)")
    blocks = read_npz(path, units) if path.suffix == ".npz" else read_with_ase(path, units)
    whole = Dataset(tuple(_without_flat_stresses(block) for block in blocks))
    if chosen == slice(None):
        return list(whole.blocks)
    indices = np.arange(len(whole))[chosen]
    if len(indices) == 0:
        raise UserError(f"{name}: takes none of the {len(whole)} frames")
    return list(whole.select(indices).blocks)


def _without_flat_stresses(frames: Frames) -> Frames:
    """Leave out stresses in cells that lack a vector and so have no volume, and say so."""
    if frames.stresses is None or frames.fills_space:
        return frames
    warnings.warn(
        f"{frames.source}: has stresses in cells without a volume (a lattice vector is zero); they are left out",
        UserWarning,
        stacklevel=2,
    )
    return replace(frames, stresses=None)
