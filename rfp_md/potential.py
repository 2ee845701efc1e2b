"""Potential = baseline + Σ terms; drivers, calculators and validation know only this."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rfp_md.descriptors import Descriptor
from rfp_md.errors import UserError
from rfp_md.frames import Dataset, Floats, Frames, Ints, formula
from rfp_md.guard import call, check_prediction
from rfp_md.regressors import Regressor
from rfp_md.sites import describe, pull_back

CHUNK_NUMBERS = 4_000_000  # evaluated at once: structures × sites × what the regressor holds for a site


@dataclass(frozen=True, eq=False)
class Prediction:
    """Energies (M,) in eV, forces (M, N, 3) in eV/Å and virials −dE/dstrain = Σ r ⊗ f (M, 3, 3) in eV."""

    energies: Floats
    forces: Floats
    virials: Floats


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


@dataclass(frozen=True, eq=False)
class Potential:
    """A fitted model.

    Attributes:
        baseline: reference energies of the elements it was trained on.
        descriptors: one for each term.
        regressor: the fitted sum over the sites of all terms.
        reference: one training structure, from which a run can start.
        record: how it was made and how well it did; kept in the artifact.
        split: indices of the frames that it was trained and validated on.
    """

    baseline: Baseline
    descriptors: Sequence[Descriptor]
    regressor: Regressor
    reference: Frames
    record: dict[str, Any] = field(default_factory=dict)
    split: dict[str, Ints] = field(default_factory=dict)

    @property
    def has_forces(self) -> bool:
        return self.regressor.smooth and all(d.capabilities.differentiable for d in self.descriptors)

    @property
    def fixed_composition(self) -> bool:
        """Whether it is for the atoms of ``reference`` in their order only, not for any of its elements."""
        return any(d.capabilities.fixed_composition for d in self.descriptors)

    def compute(self, frames: Frames) -> Prediction:
        """Energies, forces and virials of M structures.

        Raises:
            UserError: other atoms than the model's, a periodic cell that a descriptor cannot see, or a
                model without forces.
        """
        self.check(frames)
        if not self.has_forces:
            raise UserError("this model was fitted to energies only and has no forces")
        parts = [self._compute(part) for part in self._chunks(frames)]
        if len(parts) == 1:
            return parts[0]
        joined = [np.concatenate([getattr(p, name) for p in parts]) for name in ("energies", "forces", "virials")]
        return Prediction(*joined)

    def energies(self, frames: Frames) -> Floats:
        """Energies alone (M,), eV."""
        self.check(frames)
        parts = [self._predict(part)[0] for part in self._chunks(frames)]
        return np.concatenate(parts) + self.baseline(frames.numbers)

    def check(self, frames: Frames) -> None:
        """Raise UserError where the model has nothing to say about these structures."""
        if self.fixed_composition:
            if not np.array_equal(frames.numbers, self.reference.numbers):
                raise UserError(
                    f"{frames.source}: has atoms {formula(frames.numbers)}, but the model was trained on "
                    f"{formula(self.reference.numbers)} in this order; give the atoms in that order"
                )
        elif unknown := sorted({int(z) for z in frames.numbers} - set(self.baseline.energies)):
            raise UserError(
                f"{frames.source}: has {formula(unknown)}, but the model was trained on "
                f"{formula(sorted(self.baseline.energies))} only"
            )
        if frames.periodic:
            check_periodic(self.descriptors, frames)

    def _chunks(self, frames: Frames) -> list[Frames]:
        """Parts that are small enough to be evaluated at once."""
        if len(frames) == 1:
            return [frames]
        sites = sum(len(d.site_types(frames.numbers)) for d in self.descriptors)
        size = max(1, CHUNK_NUMBERS // (sites * self.regressor.numbers_per_site))
        return [frames[k : k + size] for k in range(0, len(frames), size)]

    def _predict(self, frames: Frames) -> tuple[Floats, list[Floats]]:
        """Learned energies (M,) and their gradients with respect to the sites of every term."""
        terms = [describe(descriptor, frames) for descriptor in self.descriptors]
        predicted = call(self.regressor, "predict", lambda: self.regressor.predict(terms))
        check_prediction(self.regressor, predicted, [sites.values.shape for sites in terms])
        return predicted

    def _compute(self, frames: Frames) -> Prediction:
        energies, gradients = self._predict(frames)
        slopes: Floats | float = 0.0
        for descriptor, gradient in zip(self.descriptors, gradients, strict=True):
            slopes = slopes + pull_back(descriptor, frames, gradient)
        forces = -np.asarray(slopes)[:, : frames.n_atoms]
        if frames.periodic:
            virials = -np.asarray(slopes)[:, frames.n_atoms :]
        else:
            # Without a cell, a strain moves the atoms and nothing else: −dE/dstrain = Σ r ⊗ f.
            virials = np.einsum("mix,miy->mxy", frames.positions, forces)
        return Prediction(energies + self.baseline(frames.numbers), forces, virials)


def check_periodic(descriptors: Sequence[Descriptor], frames: Frames) -> None:
    """Raise UserError if a descriptor cannot see the periodic images of these structures."""
    for descriptor in descriptors:
        if not descriptor.capabilities.periodic:
            raise UserError(
                f"{frames.source}: is periodic, but descriptor '{descriptor.name}' sees free molecules only"
            )
