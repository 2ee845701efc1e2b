"""Frames of a file, in its units, to blocks of Frames in ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rfp_md.arrays import Floats
from rfp_md.errors import UserError
from rfp_md.frames import Frames
from rfp_md.io.image import Image
from rfp_md.io.keys import Keys, closest
from rfp_md.io.unit_factors import Factors, factors_of
from rfp_md.io.units import Units

CONVENTION = {"energy": "eV", "length": "angstrom"}  # of extxyz and of everything that ASE reads
ASYMMETRY = 1e-4  # eV/Å³ (16 MPa) that rounding and noise may leave in a stress
SAME_STRESS = 0.02  # relative: a stress and a virial that differ by more are not the same
SMEARED = 1e-6  # eV that make a free energy another one


def blocks_of(
    path: Path, images: Sequence[Image], units: Units, convention: Mapping[str, str] = CONVENTION
) -> list[Frames]:
    """Make one block of each run of frames with the same species, boundaries and labels.

    Args:
        convention: the units of the format, where a frame states none.

    Raises:
        UserError: units that contradict each other or the flags, a stress that is not symmetric, or one that is not
            −virial/V.
    """
    if not images:
        raise UserError(f"{path}: holds no frames")
    _check_energies(path, images)
    factors = _factors(path, images, units, convention)
    places = iter(range(len(images)))
    runs = (list(run) for _, run in groupby(images, key=_run))
    return [_block(path, run, [next(places) for _ in run], factors) for run in runs]


def notes_of(path: Path, images: Sequence[Image]) -> Iterator[str]:
    """Say what was chosen among the labels, in a sentence each."""
    smeared = [image.smearing for image in images if image.smearing > SMEARED]
    if smeared:
        yield (
            f"{path}: free_energy is taken as the energy, for the forces are its gradient; "
            f"the energy beside it differs by up to {max(smeared):.3g} (in the file's unit)"
        )


def check_keys(path: Path, images: Sequence[Image], keys: Keys) -> None:
    """Raise UserError for the name of a label that is in no frame, with the names that there are."""
    names = dict.fromkeys(name for image in images for name in image.names)
    for label, key in keys.named.items():
        if key not in names:
            raise UserError(f"{path}: no frame has {key} (--{label}-key); {closest(key, list(names))}")


def _check_energies(path: Path, images: Sequence[Image]) -> None:
    """Refuse free energies that differ from energies, beside frames that have only these."""
    if any(image.smearing > SMEARED for image in images):
        for place, image in enumerate(images):
            if image.energy is not None and not image.free:
                raise UserError(
                    f"{path}: frame {place} has no free_energy, and other frames have one that is not their energy; "
                    "complete it, or remove free_energy everywhere"
                )


def _factors(path: Path, images: Sequence[Image], units: Units, convention: Mapping[str, str]) -> Factors:
    """The units of all frames, which must agree."""
    first: dict[tuple[tuple[str, str], ...], int] = {}
    for place, image in enumerate(images):
        first.setdefault(tuple(sorted(image.stated.items())), place)
    found = {
        place: factors_of(f"{path}: frame {place}", units, dict(stated), convention) for stated, place in first.items()
    }
    (known, factors), *others = found.items()
    for place, other in others:
        if other != factors:
            raise UserError(
                f"{path}: frame {place} is in other units than frame {known} ({_said(images[place])}, and "
                f"{_said(images[known])}); write one file for each"
            )
    return factors


def _said(image: Image) -> str:
    return ", ".join(f"{name} in {unit}" for name, unit in image.stated.items()) or "none stated"


def _run(image: Image) -> tuple[Any, ...]:
    """Frames of one block agree in this."""
    labels = (image.energy, image.forces, image.stress if image.virial is None else image.virial)
    present = (label is not None for label in labels)
    return image.numbers.tobytes(), image.pbc, image.unread.get("ions"), *present


def _block(path: Path, images: Sequence[Image], places: Sequence[int], factors: Factors) -> Frames:
    first = images[0]
    periodic = any(first.pbc)
    energies = None if first.energy is None else np.array([image.energy for image in images]) * factors.energy
    forces = None if first.forces is None else np.array([image.forces for image in images]) * factors.force
    mask = None if forces is None else _force_mask(images)
    if forces is not None and mask is not None:
        forces = np.where(mask[..., None], forces, 0.0)  # whatever stands there
    steps = [image.step for image in images]
    kinds = [image.kind for image in images]
    return Frames(
        numbers=first.numbers,
        positions=np.array([image.positions for image in images]) * factors.length,
        energies=energies,
        forces=forces,
        cells=np.array([image.cell for image in images]) * factors.length if periodic else None,
        pbc=first.pbc,
        stresses=_stresses(path, images, places, factors),
        steps=None if None in steps else np.array(steps, dtype=np.int64),
        kinds=None if kinds.count(None) == len(kinds) else np.array([kind or "" for kind in kinds], dtype=object),
        places=np.array(places),
        unread=_unread(images),
        force_mask=mask,
        weights=_weights(images),
        source=str(path),
    )


def _force_mask(images: Sequence[Image]) -> NDArray[np.bool_] | None:
    """Which forces are known (M, N), if not all are."""
    everything = np.ones(len(images[0].numbers), dtype=bool)
    mask = np.array([everything if image.force_mask is None else image.force_mask for image in images])
    return None if mask.all() else mask


def _weights(images: Sequence[Image]) -> Floats | None:
    """The weights (M, 3), if not all are 1."""
    weights = np.array([np.ones(3) if image.weights is None else image.weights for image in images])
    return None if (weights == 1.0).all() else weights


def _stresses(path: Path, images: Sequence[Image], places: Sequence[int], factors: Factors) -> Floats | None:
    """Stresses (M, 3, 3), eV/Å³, as they stand or from virials: stress = −virial/V."""
    if images[0].stress is None and images[0].virial is None:
        return None
    stresses = np.empty((len(images), 3, 3))
    for k, (image, place) in enumerate(zip(images, places, strict=True)):
        where = f"{path}: frame {place}"
        from_virial = _from_virial(image, factors)
        stress = from_virial if image.stress is None else image.stress * factors.stress
        assert stress is not None
        if from_virial is not None and _differ(stress, from_virial):
            raise UserError(
                f"{where}: its stress is not −virial/V (the largest are {_largest(stress):.3g} and "
                f"{_largest(from_virial):.3g} eV/Å³); --stress-unit names its unit, or remove one of them"
            )
        if np.abs(stress - stress.T).max() > ASYMMETRY + SAME_STRESS * np.abs(stress).max():
            raise UserError(f"{where}: its stress is not symmetric; correct it, or leave stresses out by --no-stress")
        stresses[k] = (stress + stress.T) / 2
    return stresses


def _from_virial(image: Image, factors: Factors) -> Floats | None:
    """The stress −virial/V; zeros where the cell has no volume, whose stress the reader leaves out."""
    if image.virial is None:
        return None
    volume = abs(float(np.linalg.det(image.cell * factors.length)))
    if not volume > 0:
        return np.zeros((3, 3)) if image.stress is None else None
    return -image.virial * factors.energy / volume


def _differ(one: Floats, other: Floats) -> bool:
    return bool(np.abs(one - other).max() > ASYMMETRY + SAME_STRESS * max(np.abs(one).max(), np.abs(other).max()))


def _largest(tensor: Floats) -> float:
    return float(tensor.flat[np.abs(tensor).argmax()])


def _unread(images: Sequence[Image]) -> dict[str, tuple[str, ...]]:
    """The names of all frames of a block, each once."""
    found: dict[str, dict[str, None]] = {}
    for image in images:
        for label, names in image.unread.items():
            found.setdefault(label, {}).update(dict.fromkeys(names))
    return {label: tuple(names) for label, names in found.items()}
