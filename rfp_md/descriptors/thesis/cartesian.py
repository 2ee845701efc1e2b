"""Cartesian coordinates as they are."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from rfp_md.arrays import Floats, Ints
from rfp_md.descriptors.base import Capabilities, Descriptor
from rfp_md.frames import Dataset, Frames
from rfp_md.plugins.arrays import Array, Surroundings


class Cartesian(Descriptor):
    """x = (x_1, y_1, z_1, …, z_N): no descriptor at all, the thesis's black box (section 3.2.1) and Algorithm 5.

    It is invariant under nothing: a model of it is right only near the orientation and place of its
    training frames. It is here to compare with.
    """

    name: ClassVar[str] = "cartesian"
    compatible_since: ClassVar[str | None] = "0.1.0"
    capabilities: ClassVar[Capabilities] = Capabilities(differentiable=True, fixed_composition=True)

    def arrays(self, model: Surroundings) -> dict[str, Array]:
        """It keeps nothing."""
        return {}

    def fit(self, dataset: Dataset) -> None:
        """Learn nothing. Raises UserError for more than one composition."""
        dataset.one_composition(f"descriptor '{self.name}'")

    def site_types(self, numbers: Ints) -> Ints:
        """The molecule is one site (1,)."""
        return np.zeros(1, dtype=np.int64)

    def values(self, frames: Frames) -> Floats:
        """x = the 3N coordinates in their order (M, 1, 3N), Å."""
        return frames.positions.reshape(len(frames), 1, -1).copy()

    def jacobian(self, frames: Frames) -> Floats:
        """dx/dr = 1 (M, 1, 3N, N, 3)."""
        identity = np.eye(3 * frames.n_atoms).reshape(1, 1, 3 * frames.n_atoms, frames.n_atoms, 3)
        return np.tile(identity, (len(frames), 1, 1, 1, 1))

    def pullback(self, frames: Frames, gradient: Floats) -> Floats:
        """dE/dr = dE/dx in the shape of the positions (M, N, 3)."""
        return gradient.reshape(frames.positions.shape).copy()
