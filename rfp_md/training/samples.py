"""Structures as a regressor sees them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rfp_md.arrays import Floats, Ints
from rfp_md.descriptors import Descriptor
from rfp_md.descriptors.describe import describe, describe_all
from rfp_md.frames import Dataset, Frames
from rfp_md.plugins.guard import call
from rfp_md.regressors import Batch, Samples

Outputs = Literal["energies", "forces"]


class DescribedFrames(Samples):
    """Sites, energies, slopes −F; for a direct fit, the outputs. The labels are what the baselines leave of them."""

    def __init__(
        self,
        dataset: Dataset,
        descriptors: Sequence[Descriptor],
        outputs: Outputs | None = None,
        prior: Samples | None = None,
    ) -> None:
        self._dataset, self._descriptors, self._outputs, self._prior = dataset, descriptors, outputs, prior

    def __len__(self) -> int:
        return len(self._dataset)

    @property
    def n_coordinates(self) -> int:
        """3N of the largest composition."""
        return 3 * max(block.n_atoms for block in self._dataset)

    @property
    def n_strains(self) -> int:
        """9 where a periodic block has stresses, else 0."""
        return 9 if any(block.periodic and block.stresses is not None for block in self._dataset) else 0

    @property
    def prior(self) -> Samples | None:
        """Structures unlike these, with energies that are believed."""
        return self._prior

    @property
    def groups(self) -> Sequence[NDArray[np.bool_] | None]:
        """The groups of components of each term's descriptor."""
        return [call(descriptor, "groups", descriptor.groups) for descriptor in self._descriptors]

    def some(self, most: int, rng: np.random.Generator) -> Samples:
        """So many of the frames, as drawn, and one of each element that those lack."""
        if len(self) <= most:
            return self
        chosen = rng.choice(len(self), most, replace=False)
        chosen = np.union1d(chosen, _first_of_others(self._dataset, chosen))
        return DescribedFrames(self._dataset.select(chosen), self._descriptors, self._outputs)

    def batches(self, size: int, *, derivatives: bool) -> Iterator[Batch]:
        """Describe the frames block by block: a batch holds frames of one composition."""
        for block in self._dataset:
            for start in range(0, len(block), size):
                part = block[start : start + size]
                energies = Dataset((part,)).energies
                if not derivatives:
                    terms = describe_all(self._descriptors, part)
                    yield Batch(terms, energies, outputs=self._targets(part, energies))
                    continue
                terms = [describe(term, part, derivatives=True) for term in self._descriptors]
                yield Batch(terms, energies, *_slopes(part), part.positions.reshape(len(part), -1))

    def _targets(self, part: Frames, energies: Floats) -> Floats | None:
        if self._outputs == "forces" and part.forces is not None:
            return part.forces.reshape(len(part), -1)
        return energies[:, None] if self._outputs == "energies" else None


def _slopes(frames: Frames) -> tuple[Floats | None, Floats | None]:
    """dE/dr = −F (M, 3N), eV/Å, and dE/dstrain = V σ (M, 9), eV, where the frames have them."""
    forces, stresses = frames.forces, frames.stresses
    slopes = None if forces is None else -forces.reshape(len(frames), -1)
    if stresses is None or not frames.periodic:
        return slopes, None  # a free molecule's energy does not depend on a cell
    return slopes, (frames.volumes[:, None, None] * stresses).reshape(len(frames), -1)


def _first_of_others(dataset: Dataset, chosen: Ints) -> Ints:
    """The first frame of each element that the chosen frames lack: no feature would see its sites."""
    known = {int(z) for block in dataset.select(chosen) for z in block.numbers}
    found, start = [], 0
    for block in dataset:
        if not known.issuperset(block.numbers.tolist()):
            known.update(block.numbers.tolist())
            found.append(start)
        start += len(block)
    return np.array(found, dtype=np.int64)
