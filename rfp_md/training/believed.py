"""What is believed of structures that no training frame is like, so that the energy has no holes there.

A sum of random features is held by rows only where there are rows. Elsewhere it is as large as its coefficients allow,
thousands of eV: crystals that are compressed, atoms in collision and single atoms fall. So a fit with the baseline
``zbl`` is given some energies, without forces, of structures that are made of the training frames:

    deformed    whole frames, compressed and torn apart
    squeezed    the closest pair of each two elements, in its surroundings
    torn off    an atom of such a pair, in a free molecule, where nothing else is in its way
    collided    molecules of a free frame, moved as they are until the closest pair of each two elements is closer
    atoms       and dimers, alone; of a model that is not for one molecule

With R, the nuclei's screened repulsion (``zbl`` without its switch), E rises by (√R − √R₀)² from a training frame's.
That is a Morse potential, whose attraction 2 √(R₀ R) is twice its repulsion at the minimum: what binds the frame is
R₀, and a pair of its atoms the R₀ of that pair alone. In single atoms nothing binds.

Such an energy may be wrong by ``DOUBT`` for each atom that was moved, or by 3 % of its rise if that is more, and by
30 % where a pair alone was moved; that of an atom alone by as much as the frames disagree on what binds it, unless they
have it (docs/accuracy.md has what that does).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from rfp_md.arrays import Floats
from rfp_md.baselines.zbl import Zbl
from rfp_md.frames import Dataset, Frames
from rfp_md.structures.bonds import Bonds
from rfp_md.structures.neighbours import neighbours
from rfp_md.structures.strain import strained

COMPRESSED = np.arange(0.6, 0.97, 0.02)  # relative to a frame's lengths
STRETCHED = np.array([1.06, 1.09, 1.12, 1.16, 1.2, 1.25, 1.3, 1.4, 1.5, 1.75, 2.0, 2.25])
SQUEEZED = np.array([0.4, 0.6, 0.8])  # relative to the pair's distance
TORN_OFF = np.array([1.3, 1.5, 1.75, 2.0])
COLLIDED = np.array([0.8, 0.65, 0.5, 0.35])
DIMERS = np.geomspace(0.4, 8.0, 100)  # Å, as the radial functions are spaced
FRAMES = 10  # that are deformed and squeezed
DOUBT = 0.3  # eV for an atom that was moved
ALONE = 0.1  # eV for one that is alone, or in a dimer: nothing stands against it there
RELATIVE_DOUBT = 0.03  # of a frame's rise
PAIR_DOUBT = 0.3  # of a pair's, which is in surroundings that are not moved, or in none


@dataclass(frozen=True, eq=False)
class Believed:
    """M structures, what is to be learned of their energies (M,), eV, and how far from it they may be (M,), eV."""

    frames: Frames
    energies: Floats
    doubts: Floats


@dataclass(frozen=True, eq=False)
class _Pair:
    """Two atoms of a frame, their elements in ascending order, and the vector (3,), Å, from the first to the second."""

    elements: tuple[int, int]
    atoms: tuple[int, int]
    vector: Floats
    length: float


def believed_structures(training: Dataset, left: Dataset, whole: Zbl, *, alone: bool) -> list[Believed]:
    """Make them of some training frames.

    Args:
        left: the training frames, with what the baselines leave of their energies.
        whole: the repulsion of nuclei without its switch.
        alone: whether atoms and dimers are among them.
    """
    chosen, believed = _chosen(training, left), []
    bonds: dict[tuple[int, int], float] = {}
    for k, (frame, energy) in enumerate(chosen):
        pairs = _closest_pairs(frame, whole.reach)
        scales = np.concatenate([_between(COMPRESSED, k / len(chosen)), _between(STRETCHED, k / len(chosen))])
        believed += [
            _deformed(frame, energy, scales, whole),
            *(_squeezed(frame, energy, pair, whole) for pair in pairs),
        ]
        if not frame.periodic:
            believed += [_torn_off(frame, energy, pair, whole) for pair in pairs]
            believed += _collided(frame, energy, whole)
        for pair in pairs:
            bonds[pair.elements] = min(pair.length, bonds.get(pair.elements, np.inf))
    if alone:
        believed += _alone(_Unbound.of(training, left, chosen, whole), bonds, whole)
    return [part for part in believed if len(part.frames)]


def _chosen(training: Dataset, left: Dataset) -> list[tuple[Frames, float]]:
    """Frames, with what the baselines leave of their energies: of compositions, then of energies, evenly spread."""
    found: dict[bytes, list[tuple[float, Frames, int]]] = {}
    for block, rest in zip(training, left, strict=True):
        energies = Dataset((rest,)).energies.tolist()
        found.setdefault(block.numbers.tobytes(), []).extend((e, block, k) for k, e in enumerate(energies))
    compositions = _spread(list(found.values()), FRAMES)
    chosen = []
    for frames in compositions:
        frames.sort(key=lambda frame: frame[0])
        chosen += _spread(frames, FRAMES // len(compositions))
    return [(block[k : k + 1].at(block.positions[k : k + 1]), energy) for energy, block, k in chosen]


def _spread(several: list[Any], most: int) -> list[Any]:
    """At most so many of them, evenly spread from the first one on."""
    return [several[k * len(several) // most] for k in range(most)] if len(several) > most else several


def _between(scales: Floats, part: float) -> Floats:
    """Scales that are so far from one to the next: no two frames have the same, so that together they are dense."""
    between: Floats = scales[:-1] + part * np.diff(scales)
    return between


def _deformed(frame: Frames, energy: float, scales: Floats, whole: Zbl) -> Believed:
    """A frame at several densities."""
    frames = strained(frame, (scales - 1.0)[:, None, None] * np.eye(3))
    rise = _rise(whole.energies(frames), whole.energies(frame))
    return Believed(frames, energy + rise, np.maximum(DOUBT * frame.n_atoms, RELATIVE_DOUBT * rise))


def _closest_pairs(frame: Frames, within: float) -> list[_Pair]:
    """The closest pair of each two elements of a frame; an atom and its own image, which cannot be moved, are none."""
    near = neighbours(frame, within)
    centres, lengths = near.centres, np.linalg.norm(near.vectors, axis=1)
    elements = np.sort(np.stack([frame.numbers[centres], frame.numbers[near.atoms]], axis=1), axis=1)
    apart = centres != near.atoms
    pairs = []
    for first, second in np.unique(elements[apart], axis=0).tolist():
        mine = np.flatnonzero(apart & (elements == (first, second)).all(axis=1))
        p = mine[np.argmin(lengths[mine])]
        atoms = int(centres[p]), int(near.atoms[p])
        pairs.append(_Pair((first, second), atoms, near.vectors[p], float(lengths[p])))
    return pairs


def _squeezed(frame: Frames, energy: float, pair: _Pair, whole: Zbl) -> Believed:
    """A frame in which the two atoms of a pair were moved towards their middle."""
    first, second = pair.atoms
    shift = 0.5 * (1.0 - SQUEEZED)[:, None] * pair.vector
    positions = np.repeat(frame.positions, len(SQUEEZED), axis=0)
    positions[:, first] += shift
    positions[:, second] -= shift
    repulsion = whole.energies(_dimers(pair.elements, pair.length * np.append(SQUEEZED, 1.0)))
    rise = _rise(repulsion[:-1], repulsion[-1:])
    return Believed(frame.at(positions), energy + rise, np.maximum(2.0 * DOUBT, PAIR_DOUBT * rise))


def _torn_off(frame: Frames, energy: float, pair: _Pair, whole: Zbl) -> Believed:
    """A free frame from which the atom of a pair that has more room goes away from the other, until others are near."""
    atoms, room = frame.positions[0], []
    for atom, partner in (pair.atoms, pair.atoms[::-1]):
        others = np.delete(atoms, [atom, partner], axis=0)
        room.append(np.linalg.norm(others - atoms[atom], axis=1).min(initial=np.inf))
    end = int(np.argmax(room))
    moving, partner = pair.atoms[end], pair.atoms[1 - end]
    positions = np.repeat(frame.positions, len(TORN_OFF), axis=0)
    positions[:, moving] = atoms[partner] + TORN_OFF[:, None] * (atoms[moving] - atoms[partner])
    others = np.delete(positions, [moving, partner], axis=1)
    free = (np.linalg.norm(others - positions[:, moving][:, None], axis=2).min(axis=1, initial=np.inf)) >= room[end]
    repulsion = whole.energies(_dimers(pair.elements, pair.length * np.append(TORN_OFF, 1.0)))
    rise = _rise(repulsion[:-1], repulsion[-1:])[free]
    return Believed(frame.at(positions[free]), energy + rise, np.maximum(2.0 * DOUBT, PAIR_DOUBT * rise))


def _collided(frame: Frames, energy: float, whole: Zbl) -> list[Believed]:
    """A free frame of several molecules, two of which come together; what is bonded stays as it is.

    For each two elements, the molecule of one atom of the closest pair in two molecules moves towards the other atom.
    The rise is that of the repulsion of all atoms.
    """
    bonds = Bonds.of(frame).pairs
    graph = coo_array((np.ones(len(bonds)), bonds.T), shape=(frame.n_atoms, frame.n_atoms))
    n_molecules, molecule = connected_components(graph, directed=False)
    if n_molecules == 1:
        return []
    positions, numbers = frame.positions[0], frame.numbers
    first, second = np.nonzero(np.triu(molecule[:, None] != molecule))
    lengths = np.linalg.norm(positions[second] - positions[first], axis=1)
    elements = np.sort(np.stack([numbers[first], numbers[second]], axis=1), axis=1)
    found, before = [], whole.energies(frame)[0]
    for pair in np.unique(elements, axis=0):
        mine = np.flatnonzero((elements == pair).all(axis=1))
        p = mine[np.argmin(lengths[mine])]
        towards = positions[second[p]] - positions[first[p]]
        moved = np.repeat(frame.positions, len(COLLIDED), axis=0)
        moved[:, molecule == molecule[first[p]]] += (1.0 - COLLIDED)[:, None, None] * towards
        frames = frame.at(moved)
        rise = whole.energies(frames) - before
        found.append(Believed(frames, energy + rise, np.maximum(2.0 * DOUBT, PAIR_DOUBT * np.abs(rise))))
    return found


@dataclass(frozen=True, eq=False)
class _Unbound:
    """Energies of atoms that nothing binds, eV: as the training frames have them alone, else what binds is taken off.

    Attributes:
        energies, doubts: of each element.
        known: elements that the training frames have alone.
    """

    energies: dict[int, float]
    doubts: dict[int, float]
    known: frozenset[int]

    @classmethod
    def of(cls, training: Dataset, left: Dataset, chosen: Sequence[tuple[Frames, float]], whole: Zbl) -> _Unbound:
        """Those that are not known are as doubtful as the frames disagree."""
        alone = {
            int(block.numbers[0]): float(rest.energies.min())
            for block, rest in zip(training, left, strict=True)
            if block.n_atoms == 1 and not block.periodic and rest.energies is not None
        }
        guesses = [(energy + whole.energies(frame)[0]) / frame.n_atoms for frame, energy in chosen if frame.n_atoms > 1]
        mean, spread = (float(np.mean(guesses)), float(np.std(guesses))) if guesses else (0.0, 0.0)
        elements = whole.state["elements"].tolist()
        return cls(
            {z: alone.get(z, mean) for z in elements},
            {z: ALONE if z in alone else max(ALONE, spread) for z in elements},
            frozenset(alone),
        )


def _alone(unbound: _Unbound, bonds: Mapping[tuple[int, int], float], whole: Zbl) -> list[Believed]:
    """Atoms, but for known ones, and dimers of each pair of elements.

    Args:
        bonds: the distance, Å, at which a pair is at rest.
    """
    believed, elements = [], list(unbound.energies)
    for k, first in enumerate(elements):
        if first not in unbound.known:
            atom = Frames(np.array([first]), np.zeros((1, 1, 3)), source="an atom")
            energy, doubt = unbound.energies[first], unbound.doubts[first]
            believed.append(Believed(atom, np.array([energy]), np.array([doubt])))
        for second in elements[k:]:
            dimers = _dimers((first, second), DIMERS)
            bond = np.array([bonds.get((first, second), whole.reach)])
            repulsion, at_rest = whole.energies(dimers), whole.energies(_dimers((first, second), bond))
            energies = unbound.energies[first] + unbound.energies[second] + _rise(repulsion, at_rest) - at_rest
            doubt = unbound.doubts[first] + unbound.doubts[second]
            believed.append(Believed(dimers, energies, np.maximum(doubt, PAIR_DOUBT * (repulsion + at_rest))))
    return believed


def _rise(repulsion: Floats, at_rest: Floats) -> Floats:
    rise: Floats = np.square(np.sqrt(repulsion) - np.sqrt(at_rest))
    return rise


def _dimers(pair: tuple[int, int], distances: Floats) -> Frames:
    positions = np.zeros((len(distances), 2, 3))
    positions[:, 1, 0] = distances
    return Frames(np.array(pair), positions, source="a dimer")
