"""Structures as a regressor sees them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
        low: Samples | None = None,
    ) -> None:
        self._dataset, self._descriptors, self._outputs = dataset, descriptors, outputs
        self._prior, self._low = prior, low

    def __len__(self) -> int:
        return len(self._dataset)

    @property
    def n_coordinates(self) -> int:
        """3N of the largest composition with forces or stresses."""
        return max((3 * block.n_atoms for block in self._dataset if _has_slopes(block)), default=0)

    @property
    def n_strains(self) -> int:
        """9 where a periodic block has stresses, else 0."""
        return 9 if any(_has_strain_slopes(block) for block in self._dataset) else 0

    @property
    def n_targets(self) -> tuple[int, int, int]:
        """How many energies, slopes and strain slopes are known, and weigh anything."""
        energies, slopes, strains = np.array([_known(block) for block in self._dataset]).sum(axis=0).tolist()
        return energies, slopes, strains

    @property
    def prior(self) -> Samples | None:
        """Structures unlike these, with energies that are believed."""
        return self._prior

    @property
    def low(self) -> Samples | None:
        """Frames of the low level."""
        return self._low

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

    def by_kind(self) -> Mapping[str, Samples]:
        """The frames of each kind, where there are several; those without one are of the kind ``none``."""
        blocks = [(block, np.full(len(block), "") if block.kinds is None else block.kinds) for block in self._dataset]
        names = dict.fromkeys(str(kind) for _, kinds in blocks for kind in kinds)
        if len(names) < 2:
            return {}
        of_kind = np.concatenate([kinds for _, kinds in blocks])
        return {
            name or "none": DescribedFrames(
                self._dataset.select(np.flatnonzero(of_kind == name)), self._descriptors, self._outputs
            )
            for name in names
        }

    def batches(self, size: int, *, derivatives: bool) -> Iterator[Batch]:
        """Describe the frames block by block: a batch holds frames of one composition."""
        for block in self._dataset:
            for start in range(0, len(block), size):
                part = block[start : start + size]
                energies = np.zeros(len(part)) if part.energies is None else part.energies
                if not derivatives or not _has_slopes(part):
                    terms = describe_all(self._descriptors, part)
                    weights = _weights(part, slopes=False)
                    yield Batch(terms, energies, outputs=self._targets(part, energies), weights=weights)
                    continue
                terms = [describe(term, part, derivatives=True) for term in self._descriptors]
                positions, weights = part.positions.reshape(len(part), -1), _weights(part, slopes=True)
                yield Batch(terms, energies, *_slopes(part), positions, weights=weights)

    def _targets(self, part: Frames, energies: Floats) -> Floats | None:
        if self._outputs == "forces" and part.forces is not None:
            return part.forces.reshape(len(part), -1)
        return energies[:, None] if self._outputs == "energies" else None


def _has_slopes(frames: Frames) -> bool:
    return frames.forces is not None or _has_strain_slopes(frames)


def _has_strain_slopes(frames: Frames) -> bool:
    return frames.stresses is not None and frames.periodic  # a free molecule's energy does not depend on a cell


def _slopes(frames: Frames) -> tuple[Floats, Floats | None]:
    """dE/dr = −F (M, 3N), eV/Å, zeros where they are not known, and dE/dstrain = V σ (M, 9), eV, or None."""
    slopes = -(np.zeros(frames.positions.shape) if frames.forces is None else frames.forces).reshape(len(frames), -1)
    if frames.stresses is None or not frames.periodic:
        return slopes, None
    return slopes, (frames.volumes[:, None, None] * frames.stresses).reshape(len(frames), -1)


def _weights(frames: Frames, *, slopes: bool) -> Floats | None:
    """The weight of each target (M, 1 + 3N + 9) as ``Batch.weights`` says; None where all are known and weigh 1.

    Args:
        slopes: whether there are targets other than the energies.
    """
    complete = frames.energies is not None and (not slopes or frames.known_forces.all())
    if complete and frames.weights is None:
        return None
    energy, forces, stress = frames.known_weights.T[:, :, None]
    parts = [energy * (frames.energies is not None)]
    if slopes:
        parts.append(forces * np.repeat(frames.known_forces, 3, axis=1))
    if slopes and _has_strain_slopes(frames):
        parts.append(np.repeat(stress, 9, axis=1))
    return np.concatenate(parts, axis=1)


def _known(frames: Frames) -> tuple[int, int, int]:
    """How many energies, slopes and strain slopes of a block are known, and weigh anything."""
    energy, forces, stress = (frames.known_weights > 0).T
    known = 3 * int(frames.known_forces[forces].sum())
    strains = 9 * int(stress.sum()) if _has_strain_slopes(frames) else 0
    return int(energy.sum()) if frames.energies is not None else 0, known, strains


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
