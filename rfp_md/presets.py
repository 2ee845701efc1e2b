"""Presets: one word for descriptors, regressor and number of features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from rfp_md.frames import Dataset

PresetName = Literal["accurate", "fast"]
LARGEST_MOLECULE = 30  # atoms that are told apart; beyond, the pairs of labelled atoms are too many


@dataclass(frozen=True)
class Preset:
    """What a word stands for; the same settings for every system.

    Attributes:
        labelled: descriptors of a molecule whose atoms are told apart.
        local: descriptors for any structure.
        regressor: as ``--regressor`` takes it.
        pool: features drawn for each one that is kept, in a conservative model.
        features_per_target: how many features there are for each energy and force component, up to
        most_features: of the whole model.
    """

    labelled: tuple[str, ...]
    local: tuple[str, ...]
    regressor: str
    pool: float
    features_per_target: float
    most_features: int

    def terms(self, dataset: Dataset) -> tuple[str, ...]:
        """As ``--descriptor`` takes them: labelled ones where all frames are one small free molecule, or nothing else
        is there, which then says what it needs."""
        return self.labelled + self.local if _one_small_molecule(dataset) or not self.local else self.local

    def regressor_for(self, *, conservative: bool) -> str:
        """As ``--regressor`` takes it."""
        return f"{self.regressor},pool={self.pool:g}" if conservative else self.regressor

    def width(self, dataset: Dataset) -> int:
        """The number of features for so many frames."""
        targets = sum(len(block) * (1 + 3 * block.n_atoms) for block in dataset)
        return int(np.clip(self.features_per_target * targets, 500, self.most_features))


PRESETS: dict[PresetName, Preset] = {
    "accurate": Preset(
        labelled=("root_distances",),
        local=("many_body",),
        regressor="random_fourier:length_scale=10",
        pool=2.0,
        features_per_target=0.4,
        most_features=10_000,
    ),
    "fast": Preset(
        labelled=("root_distances",),
        local=(),
        regressor="random_fourier:length_scale=10",
        pool=1.0,
        features_per_target=0.25,
        most_features=6_000,
    ),
}


def _one_small_molecule(dataset: Dataset) -> bool:
    small = dataset.blocks[0].n_atoms <= LARGEST_MOLECULE
    return small and dataset.has_one_composition and not any(block.periodic for block in dataset)
