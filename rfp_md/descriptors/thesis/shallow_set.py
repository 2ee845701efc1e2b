"""Random feature shallow sets: the Coulomb matrix as a set, its elements projected and averaged."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from rfp_md.arrays import Floats, Ints
from rfp_md.descriptors.base import Capabilities
from rfp_md.descriptors.thesis.coulomb_matrix import CoulombBase, refuse_crossings
from rfp_md.errors import UserError
from rfp_md.frames import Dataset, Frames
from rfp_md.plugins.arrays import Array, Surroundings
from rfp_md.plugins.parameter_types import Positive, check_unused
from rfp_md.random_features.activations import ACTIVATIONS
from rfp_md.random_features.feature_map import FeatureMap
from rfp_md.random_features.pairs import sample_pairs, weights_from_pairs

SAMPLE_FRAMES = 1000  # about so many training frames give the elements that W and b are drawn from
MULTIPLICITY = 10  # candidate pairs for each pair that is kept, as in the author's code
UNUSED = {"normal": ("activation",), "sampled": ("scale",)}


class ShallowSet(CoulombBase):
    """x = mean_j Φ(y_j) over the elements y_j of a set (thesis, eq. 3.19 and section 3.4).

    Φ(y) = s W y with normal W (``projection=normal``), or σ(W y + b) with W, b of eq. 2.47 from random pairs of
    elements of the training frames (``projection=sampled``). The elements are:

        flattened      all n² entries of the Coulomb matrix C. With a normal projection, x = s w mean(C): one
                       number, r times over (rank 1).
        nested         the rows of C, each sorted in ascending order.
        nested_author  what the thesis's tables were made with. Sampled: the columns of the matrix of sorted
                       rows. Normal: the sum of these columns, where the sorting cancels: x = s W (row sums
                       of C). Neither is invariant under relabelling.

    Entries that are sorted are continuous, but their derivatives jump where two of them cross. So does that
    of relu, and eq. 2.47 puts its jumps at the training frames themselves: with relu, energies only.
    """

    name: ClassVar[str] = "shallow_set"
    compatible_since: ClassVar[str | None] = "0.1.0"

    form: Literal["flattened", "nested", "nested_author"] = Field("nested", description="what the elements are")
    projection: Literal["normal", "sampled"] = Field("normal", description="Φ: normal, s W y, or sampled, σ(W y + b)")
    size: int = Field(100, ge=1, le=100_000, description="r, the number of components")
    scale: Positive = Field(0.1, description="s of the normal projection")
    activation: Literal["relu", "tanh", "gelu"] = Field("relu", description="σ; relu: energies only")
    seed: int = Field(0, ge=0, description="of the random numbers")

    @model_validator(mode="after")
    def _only_used(self) -> Self:
        check_unused(self, UNUSED[self.projection], f"with projection={self.projection}")
        return self

    @property
    def capabilities(self) -> Capabilities:
        """It has no derivatives with a sampled relu, and is piecewise where rows are sorted."""
        relu = self.projection == "sampled" and self.activation == "relu"
        return Capabilities(
            differentiable=not relu,
            translation_invariant=True,
            rotation_invariant=True,
            permutation_invariant=self.form != "nested_author",
            fixed_composition=True,
            piecewise=relu or self._sorts,
        )

    def fit(self, dataset: Dataset) -> None:
        """Draw W (r, q) and b (r,)."""
        super().fit(dataset)
        block = dataset.one_composition(f"descriptor '{self.name}'")
        elements = self._elements(*self._rows(block[:: max(1, len(block) // SAMPLE_FRAMES)]))
        points = elements.reshape(-1, elements.shape[2])
        rng = np.random.default_rng(self.seed)
        if self.projection == "normal":
            weights = self.scale * rng.standard_normal((self.size, points.shape[1]))
            self._state.update(weights=weights, biases=np.zeros(self.size))
            return
        # An element has no place in its set: any two may make a pair.
        anywhere, unused = np.zeros(len(points), dtype=np.int64), np.zeros(len(points))
        first, second = sample_pairs(points, unused, anywhere, self.size, "uniform", MULTIPLICITY, rng)
        if len(first) == 0:
            raise UserError(f"{block.source}: descriptor '{self.name}' found no two elements that differ; add frames")
        activation = ACTIVATIONS[self.activation]
        weights, biases = weights_from_pairs(points[first], points[second], "thesis", activation, scale=1.0)
        self._state.update(weights=weights, biases=biases)

    def arrays(self, model: Surroundings) -> dict[str, Array]:
        """W (r, q) and b (r,); an element y of the set is one number, or N of them."""
        q = 1 if self.form == "flattened" else model.n_atoms
        r = self.size if self.projection == "normal" else "r"  # of fewer pairs than were asked for, fewer are drawn
        return {"weights": Array((r, q)), "biases": Array((r,))}

    def values(self, frames: Frames) -> Floats:
        """x = mean_j Φ(y_j) (M, 1, r)."""
        values: Floats = self._features(self._elements(*self._rows(frames)))[0].mean(axis=1, keepdims=True)
        return values

    def jacobian(self, frames: Frames) -> Floats:
        """dx/dr = mean_j Φ′(y_j) W dy_j/dr (M, 1, r, N, 3). Raises UserError where entries that are sorted cross."""
        elements, order = self._to_differentiate(frames)
        derivatives = self._features(elements)[1].transpose(0, 2, 1) / elements.shape[1]  # (M, r, n)
        by_element = derivatives[..., None] * self._state["weights"][:, None]  # (M, r, n, q)
        return self.pull(frames, self._by_entry(by_element, order))[:, None]

    def pullback(self, frames: Frames, gradient: Floats) -> Floats:
        """dE/dr (M, N, 3), over dE/dy (M, n, q) and dE/dC. Raises UserError as ``jacobian``."""
        elements, order = self._to_differentiate(frames)
        by_element = (self._features(elements)[1] * gradient / elements.shape[1]) @ self._state["weights"]
        return self.pull(frames, self._by_entry(by_element[:, None], order))[:, 0]

    @property
    def _sorts(self) -> bool:
        return self.form == "nested" or (self.form == "nested_author" and self.projection == "sampled")

    def _features(self, elements: Floats) -> tuple[Floats, Floats]:
        """Φ and its derivatives (M, n, r) at elements (M, n, q)."""
        activation = self.activation if self.projection == "sampled" else "identity"
        return FeatureMap(self._state["weights"], self._state["biases"], activation)(elements)

    def _rows(self, frames: Frames) -> tuple[Floats, Ints]:
        """The Coulomb matrices and the order of the entries in each row (M, N, N), ascending where rows are sorted."""
        matrices = self.matrices(frames)
        if self._sorts:
            return matrices, np.argsort(matrices, axis=2, kind="stable")
        return matrices, np.broadcast_to(np.arange(frames.n_atoms), matrices.shape)

    def _elements(self, matrices: Floats, order: Ints) -> Floats:
        """The elements y of the set (M, n, q)."""
        if self.form == "flattened":
            return matrices.reshape(len(matrices), -1, 1)
        if not self._sorts:
            return np.asarray(matrices.sum(axis=2)[:, None])
        rows: Floats = np.take_along_axis(matrices, order, axis=2)
        return rows if self.form == "nested" else rows.transpose(0, 2, 1)

    def _to_differentiate(self, frames: Frames) -> tuple[Floats, Ints]:
        """y and the order of the rows' entries. Raises UserError where two entries of a row are equal."""
        matrices, order = self._rows(frames)
        if self._sorts:
            refuse_crossings(self, frames, np.take_along_axis(matrices, order, axis=2), "entries of a row")
        return self._elements(matrices, order), order

    def _by_entry(self, by_element: Floats, order: Ints) -> Floats:
        """dE/dC (M, R, N, N) of R energies with dE/dy (M, R, n, q)."""
        shape = (*by_element.shape[:2], *order.shape[1:])
        if self.form == "flattened":
            return by_element.reshape(shape)
        if self.form == "nested_author":
            by_element = by_element.swapaxes(2, 3)
        if not self._sorts:
            return np.broadcast_to(by_element, shape)
        unsorted: Floats = np.take_along_axis(by_element, np.argsort(order, axis=2)[:, None], axis=3)
        return unsorted
