"""One molecule throughout: frames whose atoms stand in another order, or that were cut by wrapping them into a box.

Both look alike to the bonds that most frames have: some are torn. One torn bond is chemistry, such as a hydrogen that
goes from one oxygen to another; so two must be. Torn bonds that are whole again in another order of the atoms are told
as another order. A bond three times too long is told as a cut where the energy is one of whole molecules: to break it
costs electron volts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from rfp_md.arrays import Floats, Ints
from rfp_md.evaluation.labels.findings import Finding, named
from rfp_md.frames import Dataset, Frames
from rfp_md.structures.atom_order import fitting_order
from rfp_md.structures.bonds import NONMETALS
from rfp_md.structures.covalent import BONDED, BONDED_AT_REST, TORN, relative_lengths
from rfp_md.structures.molecular_graph import bonded_pairs

LARGEST = 200  # atoms
FEWEST = 3  # frames that a median is of
LOOKED_AT = 50  # frames with torn bonds whose order is looked for
TORN_BONDS = 2
CUT = 3.0  # of the covalent radii


@dataclass(frozen=True, eq=False)
class Molecule:
    """Frames of the same atoms in the same order, with their names and energies (M,), eV, where they have any."""

    frames: Frames
    names: list[str]
    energies: Floats | None


def torn_molecules(dataset: Dataset, *, ordered: bool) -> Iterator[Finding]:
    """Find frames of a molecule in another order of atoms, and molecules that are cut.

    Args:
        ordered: whether the order of atoms matters.
    """
    reordered: list[str] = []
    cut: list[str] = []
    for molecule in _molecules(dataset):
        reference, bonds = _median_bonds(molecule.frames)
        if not _connected(bonds, molecule.frames.n_atoms):
            continue
        lengths = _relative(molecule.frames, bonds)
        other = _reordered(molecule.frames, reference, bonds, lengths)
        reordered += [molecule.names[k] for k in other]
        cut += [molecule.names[k] for k in _cut(molecule, lengths) if k not in other]
    if reordered and ordered:
        yield _finding(
            "order of atoms", reordered, dataset, "have their atoms in another order than the others", "sort"
        )
    if cut:
        yield _finding(
            "cut molecules", cut, dataset, "have a molecule in pieces, cut by wrapping it into a box", "join"
        )


def other_orders(reference: Frames, dataset: Dataset) -> list[str]:
    """The names of the frames whose atoms stand in another order than those of a reference molecule."""
    bonds = bonded_pairs(reference, BONDED_AT_REST)
    found = []
    for block in dataset:
        if not block.periodic and len(bonds) and np.array_equal(block.numbers, reference.numbers):
            other = _reordered(block, reference, bonds, _relative(block, bonds))
            found += [block.name(k) for k in other]
    return found


def _molecules(dataset: Dataset) -> Iterator[Molecule]:
    """All frames of the same nonmetal atoms in the same order together."""
    groups: dict[bytes, list[Frames]] = {}
    for block in dataset:
        if not block.periodic and 2 <= block.n_atoms <= LARGEST and np.isin(block.numbers, NONMETALS).all():
            groups.setdefault(block.numbers.tobytes(), []).append(block)
    for blocks in groups.values():
        if sum(map(len, blocks)) >= FEWEST:
            frames = blocks[0].at(np.concatenate([block.positions for block in blocks]))
            energies = [block.energies for block in blocks if block.energies is not None]
            known = np.concatenate(energies) if len(energies) == len(blocks) else None
            yield Molecule(frames, [block.name(k) for block in blocks for k in range(len(block))], known)


def _median_bonds(frames: Frames) -> tuple[Frames, Ints]:
    """The bonds of most frames and a frame that has them; where the frames are at odds, those of the first."""
    bonds, first = bonded_pairs(frames, BONDED_AT_REST), frames[:1]
    of_first = bonded_pairs(first, BONDED)
    if len(bonds) < len(of_first):
        return first, of_first
    worst = _relative(frames, bonds).max(axis=1, initial=0.0)
    k = int(np.argmin(worst))
    return frames[k : k + 1], bonds


def _relative(frames: Frames, bonds: Ints) -> Floats:
    """The lengths of bonds in all frames (M, B), in sums of covalent radii."""
    arms = frames.positions[:, bonds[:, 0]] - frames.positions[:, bonds[:, 1]]
    return relative_lengths(np.linalg.norm(arms, axis=2), *frames.numbers[bonds.T])


def _connected(bonds: Ints, n_atoms: int) -> bool:
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    matrix = coo_matrix((np.ones(len(bonds)), (bonds[:, 0], bonds[:, 1])), shape=(n_atoms, n_atoms))
    return bool(connected_components(matrix, directed=False)[0] == 1)


def _reordered(frames: Frames, reference: Frames, bonds: Ints, lengths: Floats) -> list[int]:
    """Which frames have the bonds in another order only."""
    torn = np.flatnonzero((lengths > TORN).sum(axis=1) >= TORN_BONDS)
    return [int(k) for k in torn[:LOOKED_AT] if fitting_order(reference, bonds, frames[k : k + 1]) is not None]


def _cut(molecule: Molecule, lengths: Floats) -> list[int]:
    """Which frames have a bond that is far too long and an energy like those of whole molecules."""
    longest = lengths.max(axis=1, initial=0.0)
    apart = longest > CUT
    if molecule.energies is None or apart.all():
        return []
    most = molecule.energies[longest <= TORN].max(initial=-np.inf)
    return [int(k) for k in np.flatnonzero(apart & (molecule.energies <= most))]


def _finding(name: str, frames: list[str], dataset: Dataset, what: str, how: str) -> Finding:
    remedy = {"sort": "bring them into one order", "join": "put them together, or say the periodic cell"}[how]
    text = f"{dataset.sources}: {len(frames)} of {len(dataset)} frames {what} ({named(frames)}); {remedy}"
    return Finding(name, len(frames), text)
