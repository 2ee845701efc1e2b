"""A fitted model, Potential = Σ baselines + Σ terms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from rfp_md.arrays import Floats, Ints
from rfp_md.baselines.base import Baseline
from rfp_md.baselines.total import total, total_energies
from rfp_md.descriptors import Descriptor
from rfp_md.descriptors.base import Pullback
from rfp_md.descriptors.describe import describe_all, describe_for_forces
from rfp_md.errors import UserError
from rfp_md.frames import Frames, formula
from rfp_md.per_atom import per_atom, why_not_per_atom
from rfp_md.plugins.guard import Geometric, call, check_array, check_periodic, check_prediction
from rfp_md.prediction import Committee, PerAtom, Prediction, Spread, free_virials, join_committees
from rfp_md.regressors import Regressor
from rfp_md.sites import Sites
from rfp_md.structures.combinations import Combinations
from rfp_md.structures.fingerprints import Fingerprints
from rfp_md.structures.shortest import ShortestDistances

CHUNK_NUMBERS = 4_000_000  # evaluated at once: structures × sites × what the regressor holds for a site


@dataclass(frozen=True, eq=False)
class Potential:
    """A fitted model: baselines, and a regressor on the sites of its descriptors.

    Attributes:
        elements: atomic numbers that it was trained on, ascending.
        baselines: what is not learned; their sum is part of every energy, force and virial.
        descriptors: one for each term.
        regressor: the fitted sum over the sites of all terms.
        reference: one training structure, from which a run can start.
        record: how it was made and how well it did; kept in the artifact.
        split: indices of the frames that it was trained and validated on.
        fingerprints: of these frames, so that it is known again when it is judged on one of them.
        shortest: how close atoms came in these frames.
    """

    elements: Sequence[int]
    baselines: Sequence[Baseline]
    descriptors: Sequence[Descriptor]
    regressor: Regressor
    reference: Frames
    record: dict[str, Any] = field(default_factory=dict)
    split: dict[str, Ints] = field(default_factory=dict)
    fingerprints: Fingerprints | None = None
    shortest: ShortestDistances = field(default_factory=ShortestDistances)

    @property
    def conservative(self) -> bool:
        """Whether forces, where there are any, are the negative gradient of the energy."""
        return True

    @property
    def has_forces(self) -> bool:
        """Whether the regressor is smooth and every descriptor has derivatives."""
        return self.regressor.smooth and all(d.capabilities.differentiable for d in self.descriptors)

    @property
    def has_stress(self) -> bool:
        """Whether it knows the virials of every structure that it has forces of."""
        return self.has_forces

    @property
    def fixed_composition(self) -> bool:
        """Whether it is for the atoms of ``reference`` in their order only, not for any of its elements."""
        parts: list[Geometric] = [*self.baselines, *self.descriptors]
        return any(part.capabilities.fixed_composition for part in parts)

    def compute(self, frames: Frames) -> Prediction:
        """Energies, forces and virials of M structures.

        Raises:
            UserError: other atoms than the model's, a periodic cell that a descriptor or a baseline cannot see,
                or a model without forces.
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
        parts = [self._energies(part) + total_energies(self.baselines, part) for part in self._chunks(frames)]
        return np.concatenate(parts)

    def deviations(self, frames: Frames) -> Floats:
        """Predictive standard deviations of the energies (M,), eV. Raises UserError where the regressor has none."""
        self.check(frames)
        return np.concatenate([self._deviations(part) for part in self._chunks(frames)])

    def committee(self, frames: Frames) -> Committee:
        """Energies, forces and virials by every member of the model's committee.

        Raises:
            UserError: as ``compute``, or the model has no committee.
        """
        self.check(frames)
        if not self.has_forces:
            raise UserError("this model was fitted to energies only and has no forces, so that none are uncertain")
        return join_committees([self._committee(part) for part in self._chunks(frames)])

    @property
    def has_atoms(self) -> bool:
        """Whether energy and virial are sums over atoms, of which ``per_atom`` says the parts."""
        return self.has_forces and why_not_per_atom(self.descriptors, self.baselines) is None

    def per_atom(self, frames: Frames) -> PerAtom:
        """What each atom has of the energies and virials.

        Raises:
            UserError: as ``compute``, or a descriptor or a baseline that is no sum over atoms.
        """
        self.check(frames)
        parts = [per_atom(self.descriptors, self.regressor, self.baselines, part) for part in self._chunks(frames)]
        return PerAtom(*(np.concatenate([getattr(p, name) for p in parts]) for name in ("energies", "virials")))

    def uncertainty(self, frames: Frames) -> Spread:
        """Standard deviations of energies and forces, by the committee. Raises UserError as ``committee``."""
        return self.committee(frames).spread

    def check(self, frames: Frames) -> None:
        """Raise UserError where the model has nothing to say about these structures."""
        if self.fixed_composition:
            if not np.array_equal(frames.numbers, self.reference.numbers):
                raise UserError(
                    f"{frames.source}: has atoms {formula(frames.numbers)}, but the model was trained on "
                    f"{formula(self.reference.numbers)} in this order; give the atoms in that order"
                )
        elif unknown := sorted({int(z) for z in frames.numbers} - set(self.elements)):
            raise UserError(
                f"{frames.source}: has {formula(unknown)}, but the model was trained on {formula(self.elements)} only"
            )
        else:
            self._combinations.check(frames)
        if frames.periodic:
            check_periodic([*self.baselines, *self.descriptors], frames)
        self.shortest.check(frames)

    @cached_property
    def _combinations(self) -> Combinations:
        """The elements that were trained together, as the record says."""
        return Combinations([frozenset(elements) for elements in self.record.get("combinations", [])])

    def _chunks(self, frames: Frames) -> list[Frames]:
        """Parts that are small enough to be evaluated at once."""
        if len(frames) == 1:
            return [frames]
        sites = sum(len(d.site_types(frames.numbers)) for d in self.descriptors)
        size = max(1, CHUNK_NUMBERS // (sites * self._numbers_per_site))
        return [frames[k : k + size] for k in range(0, len(frames), size)]

    @property
    def _numbers_per_site(self) -> int:
        """What is held for a site while a structure is evaluated."""
        return self.regressor.numbers_per_site

    def _energies(self, frames: Frames) -> Floats:
        """Learned energies (M,)."""
        return self._predict(describe_all(self.descriptors, frames))[0]

    def _deviations(self, frames: Frames) -> Floats:
        terms = describe_all(self.descriptors, frames)
        deviations: Floats = call(self.regressor, "deviations", lambda: self.regressor.deviations(terms))
        check_array(self.regressor, "deviations", deviations, (len(frames),))
        return deviations

    def _predict(self, terms: list[Sites]) -> tuple[Floats, list[Floats]]:
        """Learned energies (M,) and their gradients with respect to the sites of every term."""
        predicted = call(self.regressor, "predict", lambda: self.regressor.predict(terms))
        check_prediction(self.regressor, "predict", predicted, [sites.values.shape for sites in terms])
        return predicted

    def _committee(self, frames: Frames) -> Committee:
        terms, pullbacks = self._describe(frames)
        members = call(self.regressor, "committee", lambda: self.regressor.committee(terms))
        check_prediction(self.regressor, "committee", members, [sites.values.shape for sites in terms])
        energies, gradients = members
        pulled = [
            self._forces(frames, pullbacks, [gradient[p] for gradient in gradients]) for p in range(len(energies))
        ]
        forces, virials = (np.stack(part) for part in zip(*pulled, strict=True))
        known = total(self.baselines, frames)
        return Committee(energies + known.energies, forces + known.forces, virials + known.virials)

    def _describe(self, frames: Frames) -> tuple[list[Sites], list[Pullback]]:
        """The sites of every term, with their pullbacks."""
        described = [describe_for_forces(descriptor, frames) for descriptor in self.descriptors]
        return [sites for sites, _ in described], [pullback for _, pullback in described]

    def _forces(
        self, frames: Frames, pullbacks: Sequence[Pullback], gradients: Sequence[Floats]
    ) -> tuple[Floats, Floats]:
        """Forces (M, N, 3) and virials (M, 3, 3) from dE/dx of every term."""
        slopes: Floats | float = 0.0
        for pullback, gradient in zip(pullbacks, gradients, strict=True):
            slopes = slopes + pullback(gradient)
        forces = -np.asarray(slopes)[:, : frames.n_atoms]
        virials = -np.asarray(slopes)[:, frames.n_atoms :] if frames.periodic else free_virials(frames, forces)
        return forces, virials

    def _compute(self, frames: Frames) -> Prediction:
        terms, pullbacks = self._describe(frames)
        energies, gradients = self._predict(terms)
        forces, virials = self._forces(frames, pullbacks, gradients)
        known = total(self.baselines, frames)
        return Prediction(energies + known.energies, forces + known.forces, virials + known.virials)
