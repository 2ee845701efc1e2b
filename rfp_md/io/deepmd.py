"""Folders of DeePMD-kit: types of the atoms, and arrays of frames in sets (docs.deepmodeling.com, "System").

    type.raw         type of each atom, from 0         type_map.raw   symbol of each type
    nopbc            there: no periodic cell           set.*/         coord, box, energy, force, virial (.npy)

in Å, eV, eV/Å and eV, with virial −dE/dstrain. Frames of several compositions with one number of atoms have
``real_atom_types.npy`` besides, and −1 where there is no atom.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from rfp_md.arrays import Floats, Ints
from rfp_md.errors import UserError
from rfp_md.io.image import Image, make_image
from rfp_md.io.keys import Keys

UNITS = {"energy_unit": "eV", "length_unit": "angstrom", "force_unit": "eV/angstrom"}
LABELS = {"energy": 1, "force": 3, "virial": 9}  # numbers of a frame, or of an atom of it (force)


def systems_in(folder: Path) -> list[Path]:
    """The folders of systems: this one, or all below it."""
    return sorted(found.parent for found in folder.rglob("type.raw"))


def read_deepmd(path: Path, *, stresses: bool, keys: Keys) -> list[Image]:
    """Read every frame of every system in a folder.

    Raises:
        UserError: a name of a label, which are fixed here, types that are no elements, or arrays that do not fit.
    """
    if keys.named:
        label, key = next(iter(keys.named.items()))
        raise UserError(f"{path}: --{label}-key {key}: a folder of DeePMD's has its labels under fixed names; omit it")
    return [image for system in systems_in(path) for image in _system(system, stresses=stresses)]


def _system(folder: Path, *, stresses: bool) -> Iterator[Image]:
    types = _array(folder / "type.raw").ravel()
    symbols = _symbols(folder)
    periodic = not (folder / "nopbc").exists()
    place = 0
    for part in sorted(folder.glob("set.*")) or [folder]:
        arrays = _set(part, len(types), periodic=periodic)
        for k in range(len(arrays["coord"])):
            of_frame = types if "real_atom_types" not in arrays else arrays["real_atom_types"][k]
            yield _image(f"{folder}: frame {place}", arrays, k, _numbers(folder, of_frame, symbols), stresses=stresses)
            place += 1


def _image(where: str, arrays: dict[str, Floats], k: int, numbers: Ints, *, stresses: bool) -> Image:
    there = numbers > 0
    box = arrays.get("box")
    cell = np.zeros((3, 3)) if box is None else box[k].reshape(3, 3)
    info: dict[str, Any] = dict(UNITS)
    if "energy" in arrays:
        info["energy"] = float(arrays["energy"][k, 0])
    if "virial" in arrays:
        info["virial"] = arrays["virial"][k]
    per_atom = {"forces": arrays["force"][k].reshape(-1, 3)[there]} if "force" in arrays else {}
    periodic = box is not None
    positions = arrays["coord"][k].reshape(-1, 3)[there]
    return make_image(
        where, numbers[there], positions, cell, (periodic, periodic, periodic), info, per_atom, stresses=stresses
    )


def _set(part: Path, n_atoms: int, *, periodic: bool) -> dict[str, Floats]:
    """The arrays of one set (frames, numbers), all of as many frames."""
    widths = {"coord": 3 * n_atoms, "box": 9, "real_atom_types": n_atoms}
    widths |= {label: size * (n_atoms if label == "force" else 1) for label, size in LABELS.items()}
    arrays = {}
    for name, width in widths.items():
        found = next((part / f"{name}{end}" for end in (".npy", ".raw") if (part / f"{name}{end}").is_file()), None)
        if found is None or (name == "box" and not periodic):
            continue
        arrays[name] = _array(found).reshape(-1, width) if _fits(found, width) else np.zeros((0, width))
    if missing := [name for name in ("coord", *(["box"] if periodic else [])) if name not in arrays]:
        remedy = "; a system without a cell has a file nopbc" if missing == ["box"] else ""
        raise UserError(f"{part}: has no {missing[0]}.npy{remedy}")
    for name, array in arrays.items():
        if len(array) != len(arrays["coord"]):
            raise UserError(f"{part}: {name} has {len(array)} frames, and coord {len(arrays['coord'])}")
    return arrays


def _fits(file: Path, width: int) -> bool:
    size = _array(file).size
    if size % width:
        raise UserError(f"{file}: has {size} numbers, which are not {width} for each frame; does type.raw fit it?")
    return size > 0


def _array(file: Path) -> Floats:
    """Real numbers from a .npy file, or from text. Raises UserError for what is neither."""
    try:
        array = np.load(file, allow_pickle=False) if file.suffix == ".npy" else np.loadtxt(file, ndmin=2)
    except (ValueError, EOFError, OSError) as error:
        raise UserError(f"{file}: is no readable array of numbers ({error!s:.100})") from error
    if array.dtype.kind not in "iuf":
        raise UserError(f"{file}: has dtype {array.dtype} instead of real numbers")
    return np.asarray(array, dtype=np.float64)


def _symbols(folder: Path) -> list[int]:
    """The atomic number of each type."""
    from ase.data import atomic_numbers

    file = folder / "type_map.raw"
    if not file.is_file():
        raise UserError(
            f"{folder}: has no type_map.raw; write one with the symbol of each type of type.raw, one a line"
        )
    names = file.read_text().split()
    if unknown := [name for name in names if atomic_numbers.get(name, 0) == 0]:
        raise UserError(f"{file}: {unknown[0]!r:.40} is no element; write the symbol of each type, one a line")
    return [atomic_numbers[name] for name in names]


def _numbers(folder: Path, types: Floats, symbols: list[int]) -> Ints:
    """Atomic numbers (N,) of types; 0 where there is no atom."""
    whole = types.astype(np.int64)
    if (whole != types).any() or (whole < -1).any() or (whole >= len(symbols)).any():
        raise UserError(f"{folder}: type.raw must hold types from 0 to {len(symbols) - 1}, those of type_map.raw")
    return np.where(whole < 0, 0, np.array(symbols, dtype=np.int64)[whole])
