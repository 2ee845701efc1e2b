"""The descriptor of surroundings, by rules from the training frames and, where these cannot decide, by small fits.

Rules (docs/accuracy.md has the tables that decided them):

    cutoff            where an atom has its 30th neighbour, so that all condensed matter is looked at as closely
    condensed         where there is a 30th neighbour: products of three neighbours, l ≤ 4; else of two, l ≤ 3
    components        100 for one element, 200 for more
    radial functions  begin where neighbours do (``atomic_basis/placement.py``)

Shorter cutoffs, which need fewer frames, are tried by small fits as long as the validation frames like them better.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from rfp_md.arrays import Floats, Ints
from rfp_md.frames import Dataset, Frames
from rfp_md.progress import Progress
from rfp_md.structures.neighbours import neighbours
from rfp_md.training.task import Task

NEIGHBOURS = 30  # that an atom is to have within the cutoff
FARTHEST = 5.5  # Å; the cutoff where atoms have fewer
NEAREST = 3.0  # Å; the shortest cutoff
SHORTER = 0.8  # of the cutoff before, that is tried as long as it is better, by
GAIN = 0.05  # of the error and more: small fits differ by some per cent as their features do
SAMPLE_FRAMES = 50  # that distances are taken from
TRIED_ATOMS, JUDGED_ATOMS = 10_000, 3_000  # of the frames of small fits, and of those that judge them
TRIED_WIDTH = 800  # features of a small fit


@dataclass(frozen=True)
class LocalModel:
    """A ``many_body`` term for any structure.

    Attributes:
        cutoff: Å.
        components: numbers for each atom.
        condensed: whether atoms are surrounded on all sides.
    """

    cutoff: float
    components: int
    condensed: bool

    @classmethod
    def of(cls, dataset: Dataset) -> LocalModel:
        """What the rules say for these frames."""
        elements = {int(z) for block in dataset for z in block.numbers}
        thirtieth = thirtieth_neighbour(dataset)
        cutoff = float(np.clip(FARTHEST if thirtieth is None else thirtieth, NEAREST, FARTHEST))
        return cls(round(cutoff, 2), 100 if len(elements) == 1 else 200, thirtieth is not None)

    @property
    def text(self) -> str:
        """As ``--descriptor`` takes it."""
        angles = "max_angular=4,body_order=4,four_body_channels=5" if self.condensed else "max_angular=3,body_order=3"
        return f"many_body:cutoff={self.cutoff:g},{angles},components={self.components}"


def thirtieth_neighbour(dataset: Dataset) -> float | None:
    """The distance, Å, of the usual atom's 30th neighbour, in the median of frames; None where most have none."""
    chosen = np.unique(np.linspace(0, len(dataset) - 1, SAMPLE_FRAMES).astype(np.int64))
    median = float(np.median(np.concatenate([_thirtieth(block) for block in dataset.select(chosen)])))
    return median if np.isfinite(median) else None


def _thirtieth(frames: Frames) -> Floats:
    """The median over the atoms of each frame of the distance to the 30th neighbour (M,), Å; infinite beyond 5.5 Å."""
    near = neighbours(frames, FARTHEST)
    lengths, centres = np.linalg.norm(near.vectors, axis=1), near.centres
    ordered = lengths[np.lexsort((lengths, centres))]
    enough = np.flatnonzero(np.diff(near.offsets) >= NEIGHBOURS)
    farthest = np.full(len(frames) * frames.n_atoms, np.inf)
    farthest[enough] = ordered[near.offsets[enough] + NEIGHBOURS - 1]
    median: Floats = np.median(farthest.reshape(len(frames), -1), axis=1)
    return median


def searched(task: Task, train: Ints) -> Task:
    """The task with the local model that small fits like best, and with what they said, for the record."""
    few = _few(task.dataset, train, TRIED_ATOMS)
    small = replace(
        task,
        valid=_few(task.dataset, task.valid, JUDGED_ATOMS),
        width=lambda _: TRIED_WIDTH,
        time_budget=None,
        progress=Progress(),
    )
    task.progress.message(
        f"choosing the cutoff by fits of {TRIED_WIDTH} features to {len(few)} frames, judged by {len(small.valid)}"
    )
    search = _Search(small, few, task.progress)
    best = search.best(LocalModel.of(task.dataset.select(train)))
    return replace(task, terms=(best.text,), search=search.tried)


@dataclass
class _Search:
    """Small fits, whose validation errors decide.

    Attributes:
        tried: a row for each fit, for the record.
    """

    task: Task
    train: Ints
    progress: Progress
    tried: list[dict[str, Any]] = field(default_factory=list)

    def best(self, start: LocalModel) -> LocalModel:
        """Shorten the cutoff as long as the model gets better."""
        found, score = start, self._score(start)
        while (shorter := round(SHORTER * found.cutoff, 2)) >= NEAREST:
            changed = replace(found, cutoff=shorter)
            if (tried := self._score(changed)) > (1.0 - GAIN) * score:
                break
            found, score = changed, tried
        return found

    def _score(self, model: LocalModel) -> float:
        report = replace(self.task, terms=(model.text,)).fit(self.train).record["fit"]
        energy, force = report["valid_energy_mae_ev"], report["valid_force_mae_ev_per_angstrom"]
        self.tried.append(
            {
                "descriptor": model.text,
                "valid_energy_mae_ev": energy,
                "valid_force_mae_ev_per_angstrom": force,
                "valid_score": report["valid_score"],
            }
        )
        said = "" if force is None else f", force MAE {1000 * force:.1f} meV/Å"
        self.progress.message(f"  cutoff {model.cutoff:g} Å{said}")
        return float(report["valid_score"])


def _few(dataset: Dataset, indices: Ints, most: int) -> Ints:
    """Indices of evenly spread frames with at most so many atoms together, and of one frame with each element."""
    lengths = [len(block) for block in dataset]
    sizes = np.repeat([block.n_atoms for block in dataset], lengths)[indices]
    n = min(len(indices), max(1, len(indices) * most // int(sizes.sum())))
    chosen = indices[np.unique(np.linspace(0, len(indices) - 1, n).astype(np.int64))]
    for element in {int(z) for block in dataset for z in block.numbers}:
        has = np.repeat([element in block.numbers for block in dataset], lengths)[indices]
        chosen = np.append(chosen, indices[has][:1])
    return np.unique(chosen)
