"""npz files: rMD17, sGDML/MD17, and a generic layout with explicit unit flags."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rfp_md.arrays import Floats, Ints
from rfp_md.errors import UserError
from rfp_md.frames import Frames
from rfp_md.io.units import Units, energy_factor, force_factor, length_factor


@dataclass(frozen=True)
class NpzLayout:
    """The keys of one kind of npz file, and the units that the kind itself states."""

    name: str
    numbers: str
    positions: str
    energies: str
    forces: str
    energy_unit: str | None = None
    length_unit: str | None = None
    energy_unit_key: str | None = None
    length_unit_key: str | None = None
    steps: str = "steps"


LAYOUTS = (
    NpzLayout(
        "rMD17",
        "nuclear_charges",
        "coords",
        "energies",
        "forces",
        energy_unit="kcal/mol",
        length_unit="angstrom",
        steps="old_indices",
    ),
    NpzLayout("sGDML", "z", "R", "E", "F", energy_unit_key="e_unit", length_unit_key="r_unit"),
    NpzLayout("generic", "numbers", "positions", "energies", "forces"),
)


ELEMENTS = np.arange(1, 119)


def read_npz(path: Path, units: Units) -> list[Frames]:
    """Read the one block of an npz file, in eV and Å."""
    try:
        file = np.load(path, allow_pickle=False)
        if isinstance(file, np.ndarray):
            raise UserError(f"{path}: is one array (npy), not an npz file; write it with numpy.savez")
        with file:
            return [_read(path, file, units)]
    except (zipfile.BadZipFile, EOFError, OSError, ValueError) as error:
        raise UserError(f"{path}: is not a readable npz file ({error})") from error


def _read(path: Path, file: Mapping[str, Any], units: Units) -> Frames:
    layout = next((layout for layout in LAYOUTS if layout.positions in file and layout.numbers in file), None)
    if layout is None:
        known = "; ".join(f"{layout.name}: {layout.numbers}, {layout.positions}, …" for layout in LAYOUTS)
        raise UserError(f"{path}: keys {', '.join(sorted(file))} fit no known layout ({known})")
    energy, length, force = _factors(path, layout, file, units)
    numbers, positions = file[layout.numbers], _real(path, file, layout.positions)
    if positions.ndim != 3 or positions.shape[2] != 3 or positions.size == 0:
        raise UserError(f"{path}: {layout.positions} has shape {positions.shape} instead of (frames, atoms, 3)")
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
            f"{path}: {layout.numbers} must hold one atomic number from 1 to 118 for each of the "
            f"{positions.shape[1]} atoms"
        )
    energies = _real(path, file, layout.energies) if layout.energies in file else None
    if energies is not None and energies.shape == (len(positions), 1):
        energies = energies[:, 0]
    forces = _real(path, file, layout.forces) if layout.forces in file else None
    return Frames(
        numbers=numbers.astype(np.int64),
        positions=positions * length,
        energies=None if energies is None else energies * energy,
        forces=None if forces is None else forces * force,
        steps=_steps(path, file, layout),
        places=np.arange(len(positions)),
        source=str(path),
    )


def _real(path: Path, file: Mapping[str, Any], key: str) -> Floats:
    array = file[key]
    if array.dtype.kind not in "iuf":
        raise UserError(f"{path}: {key} has dtype {array.dtype} instead of real numbers")
    return np.asarray(array, dtype=np.float64)


def _steps(path: Path, file: Mapping[str, Any], layout: NpzLayout) -> Ints | None:
    if layout.steps not in file:
        return None
    steps = file[layout.steps]
    if steps.dtype.kind not in "iu":
        raise UserError(f"{path}: {layout.steps} has dtype {steps.dtype} instead of whole numbers")
    return np.asarray(steps, dtype=np.int64)


def _factors(path: Path, layout: NpzLayout, file: Mapping[str, Any], units: Units) -> tuple[float, float, float]:
    """eV, Å and eV/Å per unit of the file."""
    stated_energy = layout.energy_unit or _stated(file, layout.energy_unit_key)
    stated_length = layout.length_unit or _stated(file, layout.length_unit_key)
    energy = _agreed(path, layout, "--energy-unit", units.energy, stated_energy, energy_factor)
    length = _agreed(path, layout, "--length-unit", units.length, stated_length, length_factor)
    if units.force is None:
        return energy, length, energy / length
    force = force_factor(units.force, "--force-unit")
    if stated_energy and stated_length and not np.isclose(force, energy / length, rtol=1e-4):
        raise UserError(
            f"{path}: --force-unit {units.force} contradicts the file, which states {stated_energy}/{stated_length}"
        )
    return energy, length, force


def _stated(file: Mapping[str, Any], key: str | None) -> str | None:
    if key is None or key not in file:
        return None
    value = file[key].item()
    return value.decode() if isinstance(value, bytes) else str(value)


def _agreed(path: Path, layout: NpzLayout, flag: str, said: str | None, stated: str | None, factor: Any) -> float:
    """The unit's factor from the flag or the file; refused where neither says it or they contradict each other."""
    if said is None and stated is None:
        raise UserError(f"{path}: the {layout.name} layout here does not state its units; say {flag}")
    if said is None:
        return float(factor(stated, str(path)))
    value = float(factor(said, flag))
    if stated is not None and not np.isclose(value, factor(stated, str(path)), rtol=1e-4):
        raise UserError(f"{path}: {flag} {said} contradicts the file, whose {layout.name} layout states {stated}")
    return value
