"""The prior of a fit: energies that are believed where no training frame is (``believed.py``), as samples.

A training frame's energy may be wrong by ``EXACT`` of their standard deviation, a believed one by its doubt; the square
of the ratio is its weight.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from rfp_md.baselines import Baseline
from rfp_md.baselines.total import left_by
from rfp_md.baselines.zbl import Zbl
from rfp_md.descriptors import Descriptor
from rfp_md.descriptors.describe import describe_all
from rfp_md.frames import Dataset
from rfp_md.plugins.guard import Geometric
from rfp_md.regressors import Batch, Samples
from rfp_md.training.believed import Believed, believed_structures

EXACT = 0.005


class PriorFrames(Samples):
    """Believed structures as a fit sees them: batches of energies without slopes."""

    def __init__(self, believed: Sequence[Believed], descriptors: Sequence[Descriptor], exact: float) -> None:
        """Keep them.

        Args:
            exact: how far from its label a training frame's energy may be, eV.
        """
        self._believed, self._descriptors, self._exact = believed, descriptors, exact

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
                yield Batch(terms, part.energies[some], weights=np.square(self._exact / part.doubts[some])[:, None])


def prior_frames(
    training: Dataset, baselines: Sequence[Baseline], descriptors: Sequence[Descriptor]
) -> PriorFrames | None:
    """Make the believed structures of a model with the baseline ``zbl``; of another one nothing is believed: None."""
    zbl = next((baseline for baseline in baselines if isinstance(baseline, Zbl)), None)
    training = Dataset(tuple(block for block in training if block.energies is not None))
    if zbl is None or not len(training):
        return None
    left = left_by(baselines, training)
    parts: list[Geometric] = [*descriptors, *baselines]
    alone = not any(part.capabilities.fixed_composition for part in parts)
    believed = [
        Believed(part.frames, part.energies - zbl.energies(part.frames), part.doubts)
        for part in believed_structures(training, left, zbl.unswitched(), alone=alone)
    ]
    return PriorFrames(believed, descriptors, EXACT * float(left.energies.std()))
