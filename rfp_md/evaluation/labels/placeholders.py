"""Labels that nobody computed: zeros, and energies that are all the same, in the place of what is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from rfp_md.arrays import Floats
from rfp_md.evaluation.labels.findings import Finding, named
from rfp_md.frames import Dataset, Frames
from rfp_md.structures.neighbours import neighbours

REACH = 5.0  # Å, from where on neighbours count nothing
LOPSIDED = 0.05  # of a neighbour at the same place; two atoms 4 Å apart are at that limit
LOOKED_AT = 500  # frames of zero forces in a block whose symmetry is looked at
FEWEST = 3  # frames of one composition whose equal energies are no chance

Mask = NDArray[np.bool_]


def placeholders(dataset: Dataset) -> Iterator[Finding]:
    """Find labels that are placeholders."""
    zero = _names(dataset, _zero_forces)
    if zero:
        yield _finding(
            "zero forces", zero, dataset, "have forces of exactly zero where atoms have no symmetry that makes them so"
        )
    copied = _names(dataset, _positions_as_forces)
    if copied:
        yield _finding("positions as forces", copied, dataset, "have their positions in the place of their forces")
    yield from _zero_stresses(dataset)
    yield from _energies(dataset)


def _zero_stresses(dataset: Dataset) -> Iterator[Finding]:
    zero = _names(dataset, _zero_stress)
    if zero:
        what = f"{_count(zero, dataset)} have a stress of exactly zero ({named(zero)})"
        text = f"{dataset.sources}: {what}: placeholders, it seems; leave the stresses out with --no-stress"
        yield Finding("zero stresses", len(zero), text)


def _energies(dataset: Dataset) -> Iterator[Finding]:
    zero = _names(dataset, lambda block: np.asarray(_given(block) == 0))
    if 0 < len(zero) < len(dataset):
        yield _finding("zero energies", zero, dataset, "have an energy of exactly zero")
    groups: dict[bytes, list[Frames]] = {}
    for block in dataset:
        if block.energies is not None and block.forces is not None and block.forces.any():
            groups.setdefault(np.sort(block.numbers).tobytes(), []).append(block)
    same: list[str] = []
    for blocks in groups.values():
        energies = np.concatenate([block.energies for block in blocks if block.energies is not None])
        if len(energies) >= FEWEST and np.ptp(energies) == 0 and energies[0] != 0:
            same += [block.name(k) for block in blocks for k in range(len(block))]
    if same:
        yield _finding("equal energies", same, dataset, "have the very energy of all others of their composition")


def _zero_forces(block: Frames) -> Mask:
    """Which frames have forces of zero throughout, although an atom has more neighbours on one side (M,)."""
    found = np.zeros(len(block), dtype=bool)
    if block.forces is None or block.n_atoms < 2:
        return found
    zero = np.flatnonzero(~block.forces.any(axis=(1, 2)))
    for k in zero[:LOOKED_AT]:
        near = neighbours(block[k : k + 1], REACH)
        lengths = np.linalg.norm(near.vectors, axis=1)
        pulls = near.vectors * ((1 - lengths / REACH) ** 2 / lengths)[:, None]
        sums = np.zeros((block.n_atoms, 3))
        np.add.at(sums, near.centres, pulls)
        found[k] = np.linalg.norm(sums, axis=1).max(initial=0.0) > LOPSIDED
    rest = zero[LOOKED_AT:]
    found[rest] = found[zero[:LOOKED_AT]].all()
    return found


def _positions_as_forces(block: Frames) -> Mask:
    if block.forces is None:
        return np.zeros(len(block), dtype=bool)
    same = np.isclose(block.forces, block.positions, rtol=1e-6, atol=1e-8).all(axis=(1, 2))
    return np.asarray(same & block.positions.any(axis=(1, 2)))


def _zero_stress(block: Frames) -> Mask:
    if block.stresses is None or not block.periodic or block.n_atoms < 2:
        return np.zeros(len(block), dtype=bool)
    return np.asarray(~block.stresses.any(axis=(1, 2)))


def _given(block: Frames) -> Floats:
    """The energies; of single atoms and where there are none, not a number."""
    if block.energies is None or block.n_atoms == 1:
        return np.full(len(block), np.nan)
    return block.energies


def _names(dataset: Dataset, which: Callable[[Frames], Mask]) -> list[str]:
    return [block.name(int(k)) for block in dataset for k in np.flatnonzero(which(block))]


def _count(frames: list[str], dataset: Dataset) -> str:
    return f"{len(frames)} of {len(dataset)} frames"


def _finding(name: str, frames: list[str], dataset: Dataset, what: str) -> Finding:
    text = f"{dataset.sources}: {_count(frames, dataset)} {what} ({named(frames)}): placeholders, it seems; compute "
    return Finding(name, len(frames), text + "them, or leave these frames out")
