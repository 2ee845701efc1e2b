"""What is believed of structures that no training frame is like: their energies follow the nuclei's screened repulsion.

A sum of random features is held by rows only where there are rows. Elsewhere it is as large as its coefficients allow,
thousands of eV: crystals that are compressed, atoms in collision, and single atoms fall into holes. So the fit is
given energies, without forces, of structures that are made of the training frames:

    compressed        whole frames; the energy rises from that of the frame as the unswitched ``zbl`` does
    squeezed          the closest pair of each two elements, in its surroundings, likewise
    torn apart        whole frames, whose atoms have no learned energy in the end
    atoms and dimers  alone, the latter as the unswitched ``zbl``; not of a model for one molecule

They weigh little: such an energy may be wrong by ``DOUBT`` for each atom that was moved, or by a tenth of the repulsion
if that is more, while a training frame's counts as 1 eV (docs/accuracy.md has what it does to the errors).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from rfp_md.arrays import Floats, Ints
from rfp_md.baselines import Baseline
from rfp_md.baselines.total import left_by
from rfp_md.baselines.zbl import Zbl
from rfp_md.descriptors import Descriptor
from rfp_md.descriptors.describe import describe_all
from rfp_md.frames import Dataset, Frames
from rfp_md.plugins.guard import Geometric
from rfp_md.regressors import Batch, Samples
from rfp_md.structures.neighbours import neighbours
from rfp_md.structures.strain import strained

COMPRESSED = np.array([0.95, 0.9, 0.85, 0.8, 0.7, 0.6])  # lengths, relative to those of a training frame
TORN_APART = np.array([1.1, 1.2, 1.3, 1.5, 2.0])
SQUEEZED = np.array([0.8, 0.6, 0.4])
DIMERS = np.arange(0.5, 8.1, 0.25)  # Å
COMPOSITIONS = 10  # of which a frame is compressed, squeezed and torn apart
DOUBT = 1.0  # eV for an atom
RELATIVE_DOUBT = 0.1


@dataclass(frozen=True, eq=False)
class Believed:
    """M structures, what is to be learned of their energies (M,), eV, and how far from it they may be (M,), eV."""

    frames: Frames
    energies: Floats
    doubts: Floats


class PriorFrames(Samples):
    """Believed structures as a fit sees them: batches without slopes, and with weights 1 eV / doubt."""

    def __init__(self, believed: Sequence[Believed], descriptors: Sequence[Descriptor]) -> None:
        self._believed, self._descriptors = believed, descriptors

    def __len__(self) -> int:
        return sum(len(part.frames) for part in self._believed)

    @property
    def n_coordinates(self) -> int:
        """None has slopes."""
        return 0

    def some(self, most: int, rng: np.random.Generator) -> Samples:
        """All of them: there are few."""
        return self

    def batches(self, size: int, *, derivatives: bool) -> Iterator[Batch]:
        """Describe them, those of one composition at a time; with derivatives or not, they have energies only."""
        for part in self._believed:
            for k in range(0, len(part.frames), size):
                some = slice(k, k + size)
                terms = describe_all(self._descriptors, part.frames[some])
                yield Batch(terms, part.energies[some], weights=1.0 / part.doubts[some])


def prior_frames(
    training: Dataset, baselines: Sequence[Baseline], descriptors: Sequence[Descriptor]
) -> PriorFrames | None:
    """Make the believed structures of a model with the baseline ``zbl``; another model has no idea of them: None."""
    zbl = next((baseline for baseline in baselines if isinstance(baseline, Zbl)), None)
    if zbl is None:
        return None
    repulsion, believed = _Repulsion(zbl), []
    for frame, left in _typical(training, baselines):
        believed += [_compressed(frame, left, repulsion), _torn_apart(frame, repulsion)]
        believed += _squeezed(frame, left, repulsion)
    parts: list[Geometric] = [*descriptors, *baselines]
    if not any(part.capabilities.fixed_composition for part in parts):
        believed += _atoms_and_dimers(zbl.state["elements"], repulsion)
    return PriorFrames(believed, descriptors)


class _Repulsion:
    """The unswitched repulsion, and how much of it is not in the baseline."""

    def __init__(self, zbl: Zbl) -> None:
        self._switched, self._whole = zbl, zbl.unswitched()
        self.reach = self._whole.reach

    def of(self, frames: Frames) -> Floats:
        return self._whole.energies(frames)

    def left(self, frames: Frames) -> Floats:
        """What is to be learned of it (M,), eV."""
        return self.of(frames) - self._switched.energies(frames)


def _typical(training: Dataset, baselines: Sequence[Baseline]) -> list[tuple[Frames, float]]:
    """The frame of lowest energy, with what the baselines leave of that, of compositions that are evenly spread."""
    lowest: dict[bytes, tuple[Frames, float]] = {}
    for block, left in zip(training, left_by(baselines, training), strict=True):
        k = int(np.argmin(Dataset((left,)).energies))
        energy, key = float(Dataset((left,)).energies[k]), block.numbers.tobytes()
        if key not in lowest or energy < lowest[key][1]:
            lowest[key] = block[k : k + 1].at(block.positions[k : k + 1]), energy
    found = list(lowest.values())
    chosen = np.unique(np.linspace(0, len(found) - 1, min(len(found), COMPOSITIONS)).astype(int))
    return [found[k] for k in chosen]


def _compressed(frame: Frames, left: float, repulsion: _Repulsion) -> Believed:
    frames = strained(frame, (COMPRESSED - 1.0)[:, None, None] * np.eye(3))
    rise = repulsion.of(frames) - repulsion.of(frame)
    energies = left + repulsion.left(frames) - repulsion.left(frame)
    return Believed(frames, energies, np.maximum(DOUBT * frame.n_atoms, RELATIVE_DOUBT * rise))


def _torn_apart(frame: Frames, repulsion: _Repulsion) -> Believed:
    frames = strained(frame, (TORN_APART - 1.0)[:, None, None] * np.eye(3))
    return Believed(frames, repulsion.left(frames), np.full(len(frames), DOUBT * frame.n_atoms))


def _squeezed(frame: Frames, left: float, repulsion: _Repulsion) -> list[Believed]:
    """The closest pair of each two elements of a frame, both atoms moved towards their middle."""
    near = neighbours(frame, repulsion.reach)
    centres, lengths = near.centres, np.linalg.norm(near.vectors, axis=1)
    believed = []
    pairs = np.sort(np.stack([frame.numbers[centres], frame.numbers[near.atoms]], axis=1), axis=1)
    pairs[centres == near.atoms] = 0  # an image of the atom itself comes no closer
    for pair in np.unique(pairs[pairs[:, 0] > 0], axis=0):
        mine = np.flatnonzero((pairs == pair).all(axis=1))
        p = mine[np.argmin(lengths[mine])]
        shift = 0.5 * (1.0 - SQUEEZED)[:, None] * near.vectors[p]
        positions = np.repeat(frame.positions, len(SQUEEZED), axis=0)
        positions[:, centres[p]] += shift
        positions[:, near.atoms[p]] -= shift
        frames = frame.at(positions)
        rise = repulsion.of(frames) - repulsion.of(frame)
        energies = left + repulsion.left(frames) - repulsion.left(frame)
        believed.append(Believed(frames, energies, np.maximum(2.0 * DOUBT, RELATIVE_DOUBT * rise)))
    return believed


def _atoms_and_dimers(elements: Ints, repulsion: _Repulsion) -> list[Believed]:
    believed = []
    for k, first in enumerate(elements):
        atom = Frames(np.array([first]), np.zeros((1, 1, 3)), source="an atom")
        believed.append(Believed(atom, np.zeros(1), np.array([DOUBT])))
        for second in elements[k:]:
            positions = np.zeros((len(DIMERS), 2, 3))
            positions[:, 1, 0] = DIMERS
            dimers = Frames(np.array([first, second]), positions, source="a dimer")
            doubts = np.maximum(2.0 * DOUBT, RELATIVE_DOUBT * repulsion.of(dimers))
            believed.append(Believed(dimers, repulsion.left(dimers), doubts))
    return believed
