"""Square roots of the distances of all pairs of atoms, symmetrised over the molecule's graph automorphisms."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from rfp_md.arrays import Floats
from rfp_md.descriptors.labelled_pairs import LabelledPairs


class RootDistances(LabelledPairs):
    """x_ij = √|r_i − r_j| for all pairs i < j of a molecule, symmetrised as ``inverse_distances``.

    Where atoms move, 1/r hardly sees distant pairs and is steep for close ones; √r weighs both more evenly,
    and molecules that turn about their bonds are described by far fewer features (docs/accuracy.md).

    Random features see the distances inside one connected ``fragment`` of the molecule each.
    """

    name: ClassVar[str] = "root_distances"
    compatible_since: ClassVar[str | None] = "0.1.0"

    def function(self, distances: Floats) -> tuple[Floats, Floats]:
        """f = √r and df/dr = 1/(2√r)."""
        root = np.sqrt(distances)
        return root, 0.5 / root
