"""Every format but extxyz that ASE reads; ASE's units are eV, Å and eV/Å by convention."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from rfp_md.io.image import Image, make_image
from rfp_md.io.keys import Keys


def read_with_ase(path: Path, *, stresses: bool, keys: Keys) -> list[Image]:
    """Read every frame of a file."""
    from ase.io import read

    images = read(path, index=":", do_not_split_by_at_sign=True)
    return [_image(f"{path}: frame {place}", atoms, stresses=stresses, keys=keys) for place, atoms in enumerate(images)]


def _image(where: str, atoms: Any, *, stresses: bool, keys: Keys) -> Image:
    results = getattr(atoms.calc, "results", {})
    x, y, z = (bool(axis) for axis in atoms.pbc)
    return make_image(
        where,
        atoms.numbers.astype(np.int64),
        atoms.positions,
        atoms.cell.array,
        (x, y, z),
        atoms.info | results,
        {**atoms.arrays, **results},
        stresses=stresses,
        keys=keys,
    )
