"""Frames to files: extxyz for people and every other program, npz for speed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from rfp_md.errors import UserError
from rfp_md.files.safe_write import check_output, replacing
from rfp_md.frames import Dataset, found_instead, missing
from rfp_md.io.image import WEIGHTS
from rfp_md.io.options import ConvertOptions
from rfp_md.io.read import paths_of
from rfp_md.verbs import with_options


@with_options(ConvertOptions)
def convert(options: ConvertOptions) -> dict[str, Any]:
    """Read reference frames and write them to one file, in eV, Å and eV/Å; ``write`` says in which formats.

    Returns:
        output, frames, bytes, notes (what was chosen among the labels, and what is not in the output).

    Raises:
        UserError: what ``read`` and ``write`` refuse, and labels under names that are not read, which would be lost.
    """
    output = Path(options.output)
    _writer(output)
    check_output(output, paths_of(options.data))
    dataset = options.read(options.data)
    _check_nothing_lost(dataset)
    write(dataset, output)
    names = dict.fromkeys(name for block in dataset for found in block.unread.values() for name in found)
    left_out = [f"{dataset.sources}: not in the output: {', '.join(names)}"] if names else []
    return {
        "output": str(output),
        "frames": len(dataset),
        "bytes": output.stat().st_size,
        "notes": [*dataset.notes, *left_out],
    }


def _check_nothing_lost(dataset: Dataset) -> None:
    """Refuse frames that would be written without labels that they seem to have."""
    for block in dataset:
        if found := found_instead([block]):
            remedy = "" if "stresses" not in block.unread else "; --no-stress leaves stresses out"
            raise UserError(f"{block.source}: would lose labels{found}{remedy}")


def write(dataset: Dataset, path: str | Path) -> None:
    """Write frames to an extxyz or npz file.

    Args:
        path: ``.extxyz`` (8 decimals, the convention of ASE: eV, Å, eV/Å, eV/Å³), or ``.npz`` for one composition
            without a cell (every digit; the keys of sGDML, which state their units). Both keep known steps.

    Raises:
        UserError: another ending, frames that the format has no room for, or a file that cannot be written.
    """
    path = Path(path)
    writer = _writer(path)
    with replacing(path) as temporary:
        writer(dataset, temporary)


def _writer(path: Path) -> Callable[[Dataset, Path], None]:
    writers = {".extxyz": _write_extxyz, ".xyz": _write_extxyz, ".npz": _write_npz}
    if path.suffix not in writers:
        raise UserError(f"{path}: frames are written as .extxyz or .npz; name an output with one of these endings")
    return writers[path.suffix]


def _write_extxyz(dataset: Dataset, path: Path) -> None:
    from ase.io import write

    write(path, _images(dataset), format="extxyz")


def _images(dataset: Dataset) -> Iterator[Any]:
    """The frames as ASE's Atoms with their labels."""
    from ase.calculators.singlepoint import SinglePointCalculator
    from ase.stress import full_3x3_to_voigt_6_stress

    from rfp_md.io.atoms import to_atoms

    for block in dataset:
        for k in range(len(block)):
            atoms = to_atoms(block, k)
            atoms.info = {"energy_unit": "eV", "force_unit": "eV/angstrom"}
            if block.kinds is not None and block.kinds[k]:
                atoms.info["config_type"] = block.kinds[k]
            if block.steps is not None:
                atoms.info["step"] = int(block.steps[k])
            if block.weights is not None:
                atoms.info |= dict(zip(WEIGHTS, block.weights[k].tolist(), strict=True))
            if block.force_mask is not None:
                atoms.arrays["forces_mask"] = block.force_mask[k]
            labels: dict[str, Any] = {}
            if block.energies is not None:
                labels["energy"] = float(block.energies[k])
            if block.forces is not None:
                labels["forces"] = block.forces[k]
            if block.stresses is not None:
                atoms.info["stress_unit"] = "eV/angstrom^3"
                labels["stress"] = full_3x3_to_voigt_6_stress(block.stresses[k])
            if labels:
                atoms.calc = SinglePointCalculator(atoms, **labels)
            yield atoms


def _write_npz(dataset: Dataset, path: Path) -> None:
    frames = dataset.one_composition("an npz file")
    if frames.periodic:
        raise UserError(f"{frames.source}: has a periodic cell, which an npz file here does not hold; write .extxyz")
    for name in ("energies", "forces"):
        if getattr(frames, name) is None and any(getattr(block, name) is not None for block in dataset):
            raise UserError(missing(dataset, name, "an npz file holds all or none: write .extxyz"))
    if frames.force_mask is not None or frames.weights is not None:
        raise UserError(
            f"{frames.source}: has weights or a mask of forces, which an npz file here does not hold; write .extxyz"
        )
    arrays = {"R": frames.positions, "E": frames.energies, "F": frames.forces, "steps": frames.steps}
    known = {key: array for key, array in arrays.items() if array is not None}
    np.savez(path, z=frames.numbers.astype(np.uint8), **known, r_unit="Ang", e_unit="eV")  # type: ignore[arg-type]
