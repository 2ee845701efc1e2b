"""Frames that do not go with the others: equal geometries with other energies, and atoms far too close."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from rfp_md.arrays import Floats
from rfp_md.evaluation.labels.findings import Finding, named
from rfp_md.frames import Dataset, Frames
from rfp_md.structures.covalent import covalent_radii
from rfp_md.structures.fingerprints import Fingerprints
from rfp_md.structures.neighbours import neighbours

SAME_PLACE = 1e-5  # Å, root mean square of the distances: what files round to
SAME_ENERGY = 1e-4  # eV for each atom; twice the same calculation is closer
NEAR = 0.8  # of the covalent radii; the shortest bonds at 1000 K are longer
GAP = 1.3  # from one frame's closest pair to the next one's: no tail of a distribution
FEW = 0.05  # of the frames: where more are so close, they are meant to
BATCH_ATOMS = 5_000


def odd_frames(dataset: Dataset) -> Iterator[Finding]:
    """Find frames that contradict others, and those with far closer pairs."""
    names = [block.name(k) for block in dataset for k in range(len(block))]
    pairs = _same_with_other_energies(dataset)
    if pairs:
        shown = named([f"{names[first]} and {names[second]}" for first, second in pairs])
        yield Finding(
            "equal geometries",
            len(pairs),
            f"{dataset.sources}: {len(pairs)} frames have the geometry of another frame and another energy ({shown}); "
            "find out which is right, and remove the other",
        )
    close = _far_closer(np.concatenate([_closest(block) for block in dataset]))
    if len(close):
        yield Finding(
            "close pairs",
            len(close),
            f"{dataset.sources}: two atoms are far closer than in any other frame in "
            f"{named([names[k] for k in close])}; look whether that is meant, and remove what is not",
        )


def _same_with_other_energies(dataset: Dataset) -> list[tuple[int, int]]:
    """Pairs of frames with the same distances between the same atoms, whose energies differ.

    In a cell the distances to the nearest images do not tell every structure from another (half a cell away there are
    several), so that the atoms must be at the same places, too, but for a common shift.
    """
    from scipy.spatial import KDTree

    if len(dataset) < 2 or any(block.energies is None for block in dataset):
        return []
    known, energies = Fingerprints.of(dataset), dataset.energies
    sizes = np.concatenate([np.full(len(block), block.n_atoms) for block in dataset])
    found = []
    for order in np.unique(known.orders):
        mine = np.flatnonzero(known.orders == order)
        if len(mine) < 2 or sizes[mine[0]] < 2:
            continue
        distances, nearest = KDTree(known.labelled[mine]).query(known.labelled[mine], k=2)
        for k in np.flatnonzero(distances[:, 1] <= SAME_PLACE):
            other = nearest[k, nearest[k] != k][0]
            first, second = sorted((int(mine[k]), int(mine[other])))
            differ = abs(energies[first] - energies[second]) > SAME_ENERGY * sizes[first]
            if differ and _same_places(dataset.select(np.array([first, second]))):
                found.append((first, second))
    return sorted(set(found))


def _same_places(pair: Dataset) -> bool:
    """Whether two frames have their atoms at the same places but for a common shift; of free molecules, yes."""
    if not any(block.periodic for block in pair):
        return True
    first, second = (positions for block in pair for positions in block.positions)
    apart = first - second
    return bool(np.abs(apart - apart.mean(axis=0)).max() <= 10 * SAME_PLACE)


def _closest(block: Frames) -> Floats:
    """The smallest distance of each frame (M,), in sums of covalent radii; ``NEAR`` where none is below."""
    radii = covalent_radii(block.numbers)
    closest = np.full(len(block), NEAR)
    size = max(1, BATCH_ATOMS // block.n_atoms)
    for start in range(0, len(block), size):
        part = block[start : start + size]
        near = neighbours(part, float(2 * NEAR * radii.max()))
        lengths = np.linalg.norm(near.vectors, axis=1)
        relative = lengths / (radii[near.centres % block.n_atoms] + radii[near.atoms])
        np.minimum.at(closest, start + near.frames, relative)
    return closest


def _far_closer(closest: Floats) -> list[int]:
    """The few frames below a gap in the sorted smallest distances."""
    order = np.argsort(closest, kind="stable")
    most = max(1, int(FEW * len(closest)))
    if len(closest) <= most:
        return []
    steps = closest[order[1 : most + 1]] / closest[order[:most]]
    below = np.flatnonzero(steps >= GAP)
    return sorted(order[: below[-1] + 1].tolist()) if len(below) else []
