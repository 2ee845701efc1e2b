"""A function of the distance of every pair of a molecule's labelled atoms, symmetrised over its automorphisms."""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from rfp_md.arrays import Floats, Ints
from rfp_md.descriptors.base import Capabilities, Descriptor
from rfp_md.descriptors.pairs import AtomPairs, molecule_with_pairs
from rfp_md.frames import Dataset, Frames
from rfp_md.plugins.arrays import Array, Surroundings
from rfp_md.plugins.parameter_types import check_unused
from rfp_md.structures.covalent import BONDED_AT_REST
from rfp_md.structures.molecular_graph import automorphisms, bonded, fragments


class LabelledPairs(Descriptor):
    """x_ij = f(|r_i − r_j|) for all pairs i < j of a molecule.

    With ``symmetrize`` there is one site for each automorphism p of the bonded graph, its pairs
    relabelled: x^p_ij = f(|r_p(i) − r_p(j)|). All sites share one function, so the energy
    E = Σ_p f(x^p) does not change when like atoms of the molecule are relabelled.

    The distances inside a connected ``fragment`` of the molecule form a group: random features that see one
    fragment each make the energy an expansion in bodies of so many atoms, which takes far fewer frames and features
    to learn than a function of all distances at once.
    """

    symmetrize: bool = Field(True, description="one site for each automorphism of the bonded graph")
    bond_scale: float = Field(
        BONDED_AT_REST, gt=0, le=10, description="atoms are bonded below this times their covalent radii's sum"
    )
    max_automorphisms: int = Field(
        200, ge=1, le=10_000, description="refuse molecules with more automorphisms than this"
    )
    fragment: int = Field(
        6, ge=0, le=100, description="atoms of the bonded fragments that random features see; 0: all atoms"
    )

    @model_validator(mode="after")
    def _only_used(self) -> Self:
        if not self.symmetrize:
            check_unused(self, ("max_automorphisms",), "with symmetrize=false")
            if not self.fragment:
                check_unused(self, ("bond_scale",), "with symmetrize=false and fragment=0")
        return self

    @abstractmethod
    def function(self, distances: Floats) -> tuple[Floats, Floats]:
        """f and df/dr of distances, Å."""

    @property
    def capabilities(self) -> Capabilities:
        """It is invariant under the automorphisms of the bonded graph where it is symmetrised, for one composition."""
        return Capabilities(
            differentiable=True,
            translation_invariant=True,
            rotation_invariant=True,
            permutation_invariant=self.symmetrize,
            fixed_composition=True,
        )

    def fit(self, dataset: Dataset) -> None:
        """Find the automorphisms (S, N) of the graph that is bonded in the median over the training frames."""
        block = molecule_with_pairs(dataset, self.name)
        identity = np.arange(block.n_atoms, dtype=np.int64)[None]
        self._state.clear()
        self._state["automorphisms"] = (
            automorphisms(block, self.bond_scale, self.max_automorphisms) if self.symmetrize else identity
        )
        if self.fragment:
            self._state["fragments"] = fragments(bonded(block, self.bond_scale), self.fragment)
        self.__dict__.pop("_tables", None)

    def arrays(self, model: Surroundings) -> dict[str, Array]:
        """The automorphisms of the molecule, and the atoms of each fragment."""
        found = {"automorphisms": Array(("S", model.n_atoms), "int", least=0, most=model.n_atoms - 1)}
        if self.fragment:
            found["fragments"] = Array(("G", "F"), "int", least=0, most=model.n_atoms - 1)
        return found

    def restore(self, state: dict[str, NDArray[Any]]) -> Self:
        """Take back the automorphisms, once they are known to be permutations (S, N), and the fragments."""
        permutations = state["automorphisms"]
        if len(permutations) == 0:
            raise ValueError("automorphisms must be at least one: that nothing changes")
        if not (np.sort(permutations, axis=1) == np.arange(permutations.shape[1])).all():
            raise ValueError("automorphisms must be permutations")
        self.__dict__.pop("_tables", None)
        return super().restore(state)

    def groups(self) -> NDArray[np.bool_] | None:
        """The pairs inside each fragment (G, P); None where features see all distances."""
        if not self.fragment:
            return None
        pairs = self._tables.pairs
        inside = (self._state["fragments"][:, :, None] == np.arange(self._state["automorphisms"].shape[1])).any(axis=1)
        together: NDArray[np.bool_] = inside[:, pairs.first] & inside[:, pairs.second]
        return together

    def site_types(self, numbers: Ints) -> Ints:
        """All S automorphisms share one function: type 0 for each (S,)."""
        return np.zeros(len(self._state["automorphisms"]), dtype=np.int64)

    def values(self, frames: Frames) -> Floats:
        """x^p_ij = f(|r_p(i) − r_p(j)|), the distances relabelled by each automorphism p (M, S, P)."""
        distances, _ = self._tables.pairs.separations(frames)
        return self.function(distances)[0][:, self._tables.relabelled]

    def jacobian(self, frames: Frames) -> Floats:
        """dx/dr = df/dd · ∂d/∂r of every pair, relabelled as the values are (M, S, P, N, 3)."""
        distances, apart = self._tables.pairs.separations(frames)
        derivatives = self.function(distances)[1]
        return self._tables.pairs.chain(derivatives, distances, apart)[:, self._tables.relabelled]

    def pullback(self, frames: Frames, gradient: Floats) -> Floats:
        """dE/dr (M, N, 3): what all sites say of a pair is added first, so that the chain rule is applied once."""
        tables = self._tables
        distances, apart = tables.pairs.separations(frames)
        per_pair = gradient.reshape(len(gradient), -1)[:, tables.inverse_relabelled].sum(axis=1)
        return tables.pairs.pull(per_pair * self.function(distances)[1], distances, apart)

    @cached_property
    def _tables(self) -> _Relabelling:
        return _Relabelling(self._state["automorphisms"])


class _Relabelling:
    """Where each pair of atoms stands in each site.

    Attributes:
        pairs: the P pairs of atoms.
        relabelled: (S, P), the pair that stands at each place of each site.
        inverse_relabelled: (S, P), where in a flattened (S·P) gradient the copies of each pair stand.
    """

    def __init__(self, permutations: Ints) -> None:
        n_sites, n_atoms = permutations.shape
        self.pairs = AtomPairs(n_atoms)
        first, second, order = self.pairs.first, self.pairs.second, np.arange(len(self.pairs.first))
        number = np.zeros((n_atoms, n_atoms), dtype=np.int64)
        number[first, second] = number[second, first] = order
        self.relabelled: Ints = number[permutations[:, first], permutations[:, second]]
        self.inverse_relabelled: Ints = np.argsort(self.relabelled, axis=1) + len(order) * np.arange(n_sites)[:, None]
