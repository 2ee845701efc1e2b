"""Reference energies of the elements."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rfp_md.arrays import Floats, Ints
from rfp_md.frames import Dataset


@dataclass(frozen=True, eq=False)
class Baseline:
    """Reference energy of each element, eV; their sum is the part of the energy that is not learned."""

    energies: dict[int, float]

    @classmethod
    def fit(cls, dataset: Dataset) -> Baseline:
        """Least squares of the energies on the numbers of atoms; for one composition, the mean energy."""
        elements = sorted({int(z) for block in dataset for z in block.numbers})
        counts = np.concatenate([np.tile(_counts(block.numbers, elements), (len(block), 1)) for block in dataset])
        solution = np.linalg.lstsq(counts, dataset.energies, rcond=None)[0]
        return cls(dict(zip(elements, solution.tolist(), strict=True)))

    def __call__(self, numbers: Ints) -> float:
        return float(sum(self.energies[int(z)] for z in numbers))


def _counts(numbers: Ints, elements: list[int]) -> Floats:
    return np.array([np.count_nonzero(numbers == z) for z in elements], dtype=np.float64)
