"""Presets: one word for descriptors, regressor and number of features, by what the frames are of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rfp_md.frames import Dataset
from rfp_md.training.options import PresetName

LARGEST_MOLECULE = 30  # atoms that are told apart; beyond, the pairs of labelled atoms are too many


@dataclass(frozen=True)
class Preset:
    """What a word stands for, for frames of one kind.

    Attributes:
        labelled: descriptors of a molecule whose atoms are told apart.
        local: whether a descriptor for any structure, placed by the frames (``local_model.py``), is a term.
        searched: whether small fits decide on its cutoff and body order.
        regressor: as ``--regressor`` takes it.
        pool: features drawn for each one that is kept, in a conservative model.
        features_per_target: how many features there are for each energy and force component; at least
        least_features: and at most
        most_features: of the whole model. 0: the regressor has no features to count.
    """

    labelled: tuple[str, ...]
    local: bool
    regressor: str
    searched: bool = False
    pool: float = 1.0
    features_per_target: float = 0.0
    least_features: int = 0
    most_features: int = 0

    def regressor_for(self, *, conservative: bool) -> str:
        """The regressor as ``--regressor`` takes it, for a conservative or a direct model."""
        return f"{self.regressor},pool={self.pool:g}" if conservative and self.pool > 1.0 else self.regressor

    def width(self, dataset: Dataset) -> int | None:
        """The number of features for so many frames; None: there are none to count."""
        if self.most_features == 0:
            return None
        targets = sum(len(block) * (1 + 3 * block.n_atoms) for block in dataset)
        return int(np.clip(self.features_per_target * targets, self.least_features, self.most_features))


EXACT = "gaussian_process:kernel=gaussian,length_scale=10,noise=1e-10/1e-9/1e-8/1e-7/1e-6/1e-5"

# Of one small free molecule, whose atoms are told apart.
MOLECULE: dict[PresetName, Preset] = {
    "accurate": Preset(
        labelled=("root_distances",),
        local=True,
        regressor="random_fourier:length_scale=10",
        pool=2.0,
        features_per_target=0.4,
        least_features=6_000,
        most_features=10_000,
    ),
    "fast": Preset(
        labelled=("root_distances",),
        local=False,
        regressor="random_fourier:length_scale=10",
        features_per_target=0.25,
        least_features=2_000,
        most_features=6_000,
    ),
    "reference": Preset(labelled=("root_distances",), local=True, regressor=EXACT),
}

# Of anything else: crystals, liquids, clusters, molecules of many compositions. Features that see few components cost
# a fraction, so that no pool is drawn from: more features do the same (docs/accuracy.md).
MATERIAL: dict[PresetName, Preset] = {
    "accurate": Preset(
        labelled=(),
        local=True,
        searched=True,
        regressor="random_fourier:length_scale=10,sees=20",
        features_per_target=0.25,
        least_features=1_000,
        most_features=5_000,
    ),
    "fast": Preset(
        labelled=(),
        local=True,
        regressor="random_fourier:length_scale=10,sees=10",
        features_per_target=0.1,
        least_features=500,
        most_features=1_500,
    ),
    "reference": Preset(labelled=(), local=True, regressor=EXACT),
}


def preset_for(word: PresetName, dataset: Dataset) -> Preset:
    """What a word stands for, for these frames."""
    return (MOLECULE if one_small_molecule(dataset) else MATERIAL)[word]


def one_small_molecule(dataset: Dataset) -> bool:
    """Whether all frames are of one free molecule whose atoms can be told apart."""
    small = dataset.blocks[0].n_atoms <= LARGEST_MOLECULE
    return small and dataset.has_one_composition and not any(block.periodic for block in dataset)
