"""Energies against forces, and stresses against forces: their ratio is one, or the units or the sign are not."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from rfp_md.arrays import Floats, Ints
from rfp_md.evaluation.labels.findings import Finding
from rfp_md.evaluation.labels.force_model import predict_from_forces
from rfp_md.evaluation.labels.slope import Group, Slope, slope_of
from rfp_md.evaluation.labels.unit_ratios import energy_hint, stress_hint
from rfp_md.frames import Dataset

MOST_FRAMES = 200
MOST_ATOMS = 4_000  # of all frames that are looked at: a second or two
FEWEST_FRAMES = 10  # whose energies have a spread that says something
TOO_LARGE = 12_000  # atoms in so few frames: not a matter of seconds any more
SMALL_FORCES = 0.25  # of those of the frames with the largest ones; smaller ones know nothing of the energies
SAME_CELL = 1e-3  # relative difference of volumes
# Halfway, by their logarithms, to the smallest factor between two units that are in use, that of bohr and Å.
ENERGY_FACTOR = 1.37
# A small model that knows no stresses does not predict them as well; the smallest factor here is kbar to GPa, 10.
STRESS_FACTOR = 3.0


def contradictions(dataset: Dataset) -> Iterator[Finding]:
    """Compare energies and stresses with what the forces say of them, on a sample of the frames."""
    sample = _sample(_labelled(dataset))
    if sample is None:
        return
    predicted = predict_from_forces(sample)
    slope = slope_of(_energy_groups(sample, predicted.energies))
    if slope is not None and slope.differs_from_one(ENERGY_FACTOR):
        text = _text(sample, "energies", slope, energy_hint(slope.value))
        yield Finding("energies against forces", slope.value, text)
        return  # once the forces are right, it can be told whether the stresses are
    slope = slope_of(_stress_groups(sample, predicted.strain_slopes))
    if slope is not None and slope.differs_from_one(STRESS_FACTOR):
        volume = float(np.median(np.concatenate([block.volumes for block in sample if block.periodic])))
        text = _text(sample, "stresses", slope, stress_hint(slope.value, volume))
        yield Finding("stresses against forces", slope.value, text)


def _text(dataset: Dataset, labels: str, slope: Slope, hint: str) -> str:
    return (
        f"{dataset.sources}: {labels} and forces contradict each other: the {labels} are {slope} times what the forces "
        f"say of them; {hint}"
    )


def _labelled(dataset: Dataset) -> Dataset:
    """The frames that have an energy and forces that say something of it: no placeholders, no perfect crystals."""
    blocks = [b for b in dataset if b.energies is not None and b.forces is not None and b.n_atoms > 1]
    sizes = [np.sqrt(np.square(np.asarray(block.forces)).mean(axis=(1, 2))) for block in blocks]
    if not blocks:
        return Dataset(())
    least = SMALL_FORCES * np.quantile(np.concatenate(sizes), 0.9)
    chosen = [(block, np.flatnonzero((size > 0) & (size >= least))) for block, size in zip(blocks, sizes, strict=True)]
    return Dataset(tuple(block[mine] for block, mine in chosen if len(mine)))


def _sample(dataset: Dataset) -> Dataset | None:
    """So many frames that they are looked at in a second or two, evenly spread; None for too few."""
    sizes = np.concatenate([np.zeros(0, int), *[np.full(len(block), block.n_atoms) for block in dataset]])
    wanted = min(len(sizes), MOST_FRAMES)
    while wanted >= FEWEST_FRAMES:
        chosen = np.linspace(0, len(sizes) - 1, wanted).astype(np.int64)
        atoms = sizes[chosen].sum()
        if atoms <= MOST_ATOMS or (wanted == FEWEST_FRAMES and atoms <= TOO_LARGE):
            return dataset.select(chosen)
        wanted = max(FEWEST_FRAMES, int(0.8 * wanted)) if wanted > FEWEST_FRAMES else 0
    return None


def _energy_groups(dataset: Dataset, predicted: Floats) -> Iterator[Group]:
    """Frames of one composition, whose energies may have any zero; all others together, with one of each element."""
    energies = dataset.energies
    volumes = _volumes(dataset)
    counts = _counts(dataset)
    rest = np.ones(len(energies), dtype=bool)
    _, which, sizes = np.unique(counts, axis=0, return_inverse=True, return_counts=True)
    for k in np.flatnonzero(sizes >= FEWEST_FRAMES):
        mine = np.flatnonzero(which.reshape(-1) == k)
        rest[mine] = False
        yield Group(predicted[mine, None], energies[mine, None], _powers(volumes[mine], np.ones((len(mine), 1))))
    if rest.any():
        yield Group(predicted[rest, None], energies[rest, None], _powers(volumes[rest], counts[rest].astype(float)))


def _powers(volumes: Floats, counts: Floats) -> Floats:
    """Offsets: a constant, and what depends on the volume of the cell, of which forces know little."""
    if not np.isfinite(volumes).all() or np.ptp(volumes) <= SAME_CELL * volumes.mean():
        return counts
    scaled = ((volumes - volumes.mean()) / np.ptp(volumes))[:, None]
    return np.concatenate([counts, counts * scaled, counts * scaled**2], axis=1)


def _volumes(dataset: Dataset) -> Floats:
    """Volume for each atom (M,), Å³; infinite for a free molecule."""
    return np.concatenate(
        [
            block.volumes / block.n_atoms if block.periodic and block.cells is not None else np.full(len(block), np.inf)
            for block in dataset
        ]
    )


def _counts(dataset: Dataset) -> Ints:
    elements = np.unique(np.concatenate([block.numbers for block in dataset]))
    return np.concatenate(
        [np.tile((block.numbers[:, None] == elements).sum(axis=0), (len(block), 1)) for block in dataset]
    )


def _stress_groups(dataset: Dataset, predicted: Floats) -> Iterator[Group]:
    """All frames with a stress that is not zero; the pressure, of which forces know little, is taken off."""
    start, found = 0, []
    for block in dataset:
        part = predicted[start : start + len(block)]
        start += len(block)
        if block.stresses is not None and block.periodic:
            given = block.stresses.any(axis=(1, 2))
            found.append((part[given] / block.volumes[given, None, None], block.stresses[given]))
    if sum(len(part) for part, _ in found) >= FEWEST_FRAMES:
        x, y = (_shear(np.concatenate(parts)) for parts in zip(*found, strict=True))
        yield Group(x, y, np.ones((len(x), 1)))


def _shear(stresses: Floats) -> Floats:
    """Stresses (M, 3, 3) without their trace, (M, 9)."""
    pressure = np.trace(stresses, axis1=1, axis2=2) / 3
    return np.asarray(stresses - pressure[:, None, None] * np.eye(3)).reshape(-1, 9)
