"""One reader for every kind of file, chosen by its ending."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rfp_md.errors import UserError
from rfp_md.frames import Dataset
from rfp_md.io.units import Units


def read(paths: str | Path | Sequence[str | Path], units: Units = Units()) -> Dataset:  # noqa: B008
    """Read reference frames.

    Args:
        paths: one file or several; ``.npz`` (rMD17, sGDML/MD17 or generic keys), else whatever ASE reads.
        units: what the flags say; needed where the format does not state its units.

    Returns:
        All frames in eV, Å and eV/Å, one block for each run of frames of the same species.

    Raises:
        UserError: a file is missing, unreadable, empty, of unstated units, or holds bad numbers.
    """
    from rfp_md.io.ase_files import read_with_ase
    from rfp_md.io.npz import read_npz

    blocks = []
    for path in [paths] if isinstance(paths, str | Path) else paths:
        path = Path(path)
        if not path.is_file():
            raise UserError(f"{path}: no such file")
        blocks += read_npz(path, units) if path.suffix == ".npz" else read_with_ase(path, units)
    return Dataset(tuple(blocks))
