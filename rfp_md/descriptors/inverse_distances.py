"""Inverse distances of all pairs of atoms, symmetrised over the molecule's graph automorphisms."""

from __future__ import annotations

from typing import ClassVar

from rfp_md.arrays import Floats
from rfp_md.descriptors.labelled_pairs import LabelledPairs


class InverseDistances(LabelledPairs):
    """x_ij = 1 / |r_i − r_j| for all pairs i < j of a molecule.

    With ``symmetrize`` there is one site for each automorphism p of the bonded graph, its pairs
    relabelled: x^p_ij = 1 / |r_p(i) − r_p(j)|. All sites share one function, so the energy
    E = Σ_p f(x^p) does not change when like atoms of the molecule are relabelled. This is the symmetric
    form of sGDML (Chmiela et al., Nat. Commun. 9, 3887 (2018)), written as sites.

    Random features see the distances inside one connected ``fragment`` of the molecule each.
    """

    name: ClassVar[str] = "inverse_distances"
    compatible_since: ClassVar[str | None] = "0.1.0"

    def function(self, distances: Floats) -> tuple[Floats, Floats]:
        """f = 1/r and df/dr = −1/r²."""
        inverse = 1.0 / distances
        return inverse, -inverse * inverse
