"""npz files: rMD17, sGDML/MD17, and a generic layout with explicit unit flags."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from rfp_md.arrays import Floats, Ints
from rfp_md.errors import UserError
from rfp_md.frames import Frames
from rfp_md.io.compressed import RATIO, most_unpacked
from rfp_md.io.image import HEAVIEST, NO_LABEL, SOUNDS_LIKE, UNIT_KEY, stated_units
from rfp_md.io.keys import Keys, closest
from rfp_md.io.unit_factors import Factors, factors_of
from rfp_md.io.units import Units


@dataclass(frozen=True)
class NpzLayout:
    """The keys of one kind of npz file, and the units that the kind itself states."""

    name: str
    numbers: str
    positions: str
    energies: str
    forces: str
    units: Mapping[str, str] = field(default_factory=dict)
    steps: str = "steps"


LAYOUTS = (
    NpzLayout(
        "rMD17",
        "nuclear_charges",
        "coords",
        "energies",
        "forces",
        units={"energy": "kcal/mol", "length": "angstrom"},
        steps="old_indices",
    ),
    NpzLayout("sGDML", "z", "R", "E", "F"),
    NpzLayout("generic", "numbers", "positions", "energies", "forces"),
)

ELEMENTS = np.arange(1, HEAVIEST + 1)
CELLS = ("lattice", "cell", "cells", "pbc", "box")
LABELS = ("energies", "forces")


def read_npz(path: Path, units: Units, keys: Keys) -> list[Frames]:
    """Read the one block of an npz file, in eV and Å."""
    if not zipfile.is_zipfile(path):
        raise UserError(f"{path}: is not a readable npz file, which is a zip; write it with numpy.savez")
    with zipfile.ZipFile(path) as packed:
        if sum(member.file_size for member in packed.infolist()) > most_unpacked(path):
            raise UserError(f"{path}: unpacks to more than {RATIO} times its size; write it with numpy.savez")
    with np.load(path, allow_pickle=False) as file:
        return [_read(path, file, units, keys)]


def _read(path: Path, file: Mapping[str, Any], units: Units, keys: Keys) -> Frames:
    layout = next((layout for layout in LAYOUTS if layout.positions in file and layout.numbers in file), None)
    if layout is None:
        known = "; ".join(f"{layout.name}: {layout.numbers}, {layout.positions}, …" for layout in LAYOUTS)
        raise UserError(f"{path}: keys {', '.join(sorted(file))[:300]} fit no known layout ({known})")
    layout = _with_keys(path, layout, file, keys)
    if cells := [key for key in CELLS if key in file]:
        raise UserError(f"{path}: has {cells[0]}, but an npz file here is of free molecules; write extxyz instead")
    factors = _factors(path, layout, file, units)
    positions = _real(path, file, layout.positions)
    if positions.ndim != 3 or positions.shape[2] != 3 or positions.size == 0:
        raise UserError(f"{path}: {layout.positions} has shape {positions.shape} instead of (frames, atoms, 3)")
    energies = _real(path, file, layout.energies) if layout.energies in file else None
    if energies is not None and energies.shape == (len(positions), 1):
        energies = energies[:, 0]
    forces = _real(path, file, layout.forces) if layout.forces in file else None
    return Frames(
        numbers=_numbers(path, file, layout, positions),
        positions=positions * factors.length,
        energies=None if energies is None else energies * factors.energy,
        forces=None if forces is None else forces * factors.force,
        steps=_steps(path, file, layout),
        places=np.arange(len(positions)),
        unread=_unread(file, layout),
        source=str(path),
    )


def _with_keys(path: Path, layout: NpzLayout, file: Mapping[str, Any], keys: Keys) -> NpzLayout:
    """The layout with the names that the user gave. Raises UserError for one that is not there."""
    for label, key in keys.named.items():
        if label in ("stress", "virial"):
            raise UserError(f"{path}: --{label}-key {key}: an npz file here is of free molecules, without stresses")
        if key not in file:
            raise UserError(f"{path}: has no {key} (--{label}-key); {closest(key, list(file))}")
    return replace(layout, energies=keys.energy or layout.energies, forces=keys.forces or layout.forces)


def _array(path: Path, file: Mapping[str, Any], key: str) -> Any:
    """An array of the file. Raises UserError for one that is damaged, pickled, or claims more than there is."""
    try:
        return file[key]
    except Exception as error:
        what = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise UserError(f"{path}: {key} is not a readable array of numbers ({what})") from error


def _real(path: Path, file: Mapping[str, Any], key: str) -> Floats:
    array = _array(path, file, key)
    if array.dtype.kind not in "iuf":
        raise UserError(f"{path}: {key} has dtype {array.dtype} instead of real numbers")
    return np.asarray(array, dtype=np.float64)


def _numbers(path: Path, file: Mapping[str, Any], layout: NpzLayout, positions: Floats) -> Ints:
    """The atomic numbers (N,), of all frames alike."""
    numbers = _array(path, file, layout.numbers)
    if numbers.ndim == 2 and len(numbers) == len(positions):
        changes = np.flatnonzero((numbers != numbers[0]).any(axis=1))
        if len(changes):
            raise UserError(
                f"{path}: {layout.numbers} changes at frame {changes[0]}; an npz file holds one composition in one "
                "order of atoms, so write one file for each"
            )
        numbers = numbers[0]
    if numbers.shape != positions.shape[1:2] or numbers.dtype.kind not in "iuf" or not np.isin(numbers, ELEMENTS).all():
        raise UserError(
            f"{path}: {layout.numbers} must hold one atomic number from 1 to {HEAVIEST} for each of the "
            f"{positions.shape[1]} atoms"
        )
    return np.asarray(numbers, dtype=np.int64)


def _steps(path: Path, file: Mapping[str, Any], layout: NpzLayout) -> Ints | None:
    if layout.steps not in file:
        return None
    steps = _array(path, file, layout.steps)
    if steps.dtype.kind not in "iu":
        raise UserError(f"{path}: {layout.steps} has dtype {steps.dtype} instead of whole numbers")
    return np.asarray(steps, dtype=np.int64)


def _factors(path: Path, layout: NpzLayout, file: Mapping[str, Any], units: Units) -> Factors:
    """The units of the layout and those that the file states beside; forces are energies over lengths, if not said."""
    said = {key: _text(path, file, key) for key in file if UNIT_KEY.fullmatch(key)}
    stated = stated_units(str(path), said)
    stated = {**layout.units, **stated}
    if layout.units and factors_of(str(path), Units(), stated, {}) != factors_of(str(path), Units(), layout.units, {}):
        of_layout = " and ".join(layout.units.values())
        raise UserError(f"{path}: states other units than its {layout.name} layout, {of_layout}; correct one of them")
    if "energy" in stated and "length" in stated:
        stated.setdefault("force", f"{stated['energy']}/{stated['length']}")
    return factors_of(f"{path}: the {layout.name} layout", units, stated, {})


def _text(path: Path, file: Mapping[str, Any], key: str) -> Any:
    array = _array(path, file, key)
    value = array.item() if array.size == 1 else None
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def _unread(file: Mapping[str, Any], layout: NpzLayout) -> dict[str, tuple[str, ...]]:
    """Keys that sound like labels but are not those of the layout."""
    known = {layout.numbers, layout.positions, layout.energies, layout.forces, layout.steps}
    keys = [key for key in file if key not in known and not NO_LABEL.search(key)]
    found = {label: tuple(key for key in keys if SOUNDS_LIKE[label].search(key)) for label in LABELS}
    return {label: names for label, names in found.items() if names}
