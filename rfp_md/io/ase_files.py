"""Extended XYZ and every other format that ASE reads; ASE's units are eV, Å and eV/Å by convention."""

from __future__ import annotations

from dataclasses import replace
from itertools import accumulate, groupby
from pathlib import Path
from typing import Any

import numpy as np
from ase.calculators.calculator import PropertyNotImplementedError

from rfp_md.arrays import Floats
from rfp_md.errors import UserError
from rfp_md.frames import Frames
from rfp_md.io.atoms import from_atoms
from rfp_md.io.units import Units, energy_factor, force_factor, length_factor, stress_factor


def read_with_ase(path: Path, units: Units) -> list[Frames]:
    """Read one block for each run of frames with the same species, cell periodicity and labels."""
    from ase.io import read

    try:
        images = read(path, index=":", do_not_split_by_at_sign=True)
    except Exception as error:
        raise UserError(f"{path}: ASE cannot read it ({type(error).__name__}: {error})") from error
    if not images:
        raise UserError(f"{path}: holds no frames")
    runs = [list(run) for _, run in groupby(images, key=_kind)]
    starts = [0, *accumulate(len(run) for run in runs)]
    return [_block(path, run, units, start) for run, start in zip(runs, starts, strict=False)]


def _kind(atoms: Any) -> tuple[bytes, bytes, bool, bool, bool]:
    """Frames of one block agree in this."""
    labels = tuple(_label(atoms, name) is not None for name in ("energy", "forces", "stress"))
    return atoms.numbers.tobytes(), atoms.pbc.tobytes(), *labels


def _label(atoms: Any, name: str) -> Any:
    if atoms.calc is None:
        return None
    try:
        return {
            "energy": atoms.get_potential_energy,
            "forces": lambda: atoms.get_forces(apply_constraint=False),
            "stress": lambda: atoms.get_stress(voigt=False, apply_constraint=False),
        }[name]()
    except PropertyNotImplementedError:
        return None


def _block(path: Path, images: list[Any], units: Units, start: int) -> Frames:
    """One block; ``start`` frames of the file come before it."""
    length = length_factor(units.length or "angstrom", "--length-unit")
    energy = energy_factor(units.energy or "eV", "--energy-unit")
    stated = images[0].info.get("energy_unit")
    if units.energy is not None and stated is not None and energy != energy_factor(str(stated), str(path)):
        raise UserError(f"{path}: --energy-unit {units.energy} contradicts the file, which states {stated}")
    force = force_factor(units.force, "--force-unit") if units.force else energy / length
    stress = stress_factor(units.stress, "--stress-unit") if units.stress is not None else energy / length**3
    factors = {"energy": energy, "forces": force, "stress": stress}

    def stack(name: str) -> Floats | None:
        labels = [_label(atoms, name) for atoms in images]
        if labels[0] is None:
            return None
        try:
            return np.array(labels, dtype=np.float64) * factors[name]
        except (TypeError, ValueError) as error:
            raise UserError(f"{path}: {name} is not a number, or not of one shape, in every frame ({error})") from error

    bare = from_atoms(images, source=str(path), places=np.arange(start, start + len(images)))
    steps = [atoms.info.get("step") for atoms in images]
    known = all(isinstance(step, int | np.integer) for step in steps)
    return replace(
        bare,
        positions=bare.positions * length,
        energies=stack("energy"),
        forces=stack("forces"),
        cells=None if bare.cells is None else bare.cells * length,
        stresses=stack("stress") if bare.periodic else None,
        steps=np.array(steps, dtype=np.int64) if known else None,
    )
