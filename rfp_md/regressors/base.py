"""What a regressor is: a sum of functions of sites, fitted to energies and their derivatives."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from rfp_md.arrays import Floats
from rfp_md.errors import UserError
from rfp_md.plugins.base import Kind, Plugin
from rfp_md.progress import Progress
from rfp_md.sites import Sites


@dataclass(frozen=True, eq=False)
class Batch:
    """M structures with everything that a fit sees of them.

    Attributes:
        terms: one entry for each term of the model.
        energies: targets (M,), eV, the model's baselines already taken off.
        slopes: targets dE/d(positions) (M, 3N), eV/Å, or None where they were not asked for. They are the
            first columns of the Jacobians.
        strain_slopes: targets dE/d(strain) (M, 9), eV, or None where there are none. They follow the first.
        positions: where the slopes act (M, 3N), Å, with the slopes; torques are r × slope.
        outputs: targets (M, P) of a direct fit: the energies as one column, or the force components, eV/Å.
        weights: of the squared error of each target (M, 1 + 3N + 9): energy, slopes and strain slopes, so many as
            there are. Zero: the target is not known and its number means nothing. None: all are 1. Only a regressor
            that declares ``takes_weights`` is given any.
    """

    terms: list[Sites]
    energies: Floats
    slopes: Floats | None = None
    strain_slopes: Floats | None = None
    positions: Floats | None = None
    outputs: Floats | None = None
    weights: Floats | None = None

    @property
    def numbers_per_structure(self) -> int:
        """How many numbers the sites of a structure are: sites × components of all terms."""
        return sum(sites.values[0].size for sites in self.terms)


class Samples(ABC):
    """Training or validation structures, described when they are asked for."""

    @abstractmethod
    def __len__(self) -> int:
        """The number of structures."""

    @property
    @abstractmethod
    def n_coordinates(self) -> int:
        """The largest number of slopes dE/d(positions) of a structure."""

    @property
    def n_strains(self) -> int:
        """The number of strain slopes, 9, or 0 where no structure has them."""
        return 0

    @property
    def n_targets(self) -> tuple[int, int, int]:
        """How many energies, slopes and strain slopes are known."""
        return len(self), len(self) * self.n_coordinates, len(self) * self.n_strains

    @property
    def groups(self) -> Sequence[NDArray[np.bool_] | None]:
        """For each term, what its descriptor's ``groups`` says."""
        return ()

    @property
    def prior(self) -> Samples | None:
        """Structures unlike these, and what their energies are believed to be; they join the fit, and judge nothing."""
        return None

    @property
    def low(self) -> Samples | None:
        """Structures with labels of another level, which these are a correction of; they choose and judge nothing."""
        return None

    def by_kind(self) -> Mapping[str, Samples]:
        """The structures of each kind apart, to tell errors by; empty where there are no kinds to tell apart."""
        return {}

    @abstractmethod
    def batches(self, size: int, *, derivatives: bool) -> Iterator[Batch]:
        """All structures in batches of at most ``size``, with or without Jacobians and slopes."""

    @abstractmethod
    def some(self, most: int, rng: np.random.Generator) -> Samples:
        """About ``most`` of the structures, drawn without replacement; every element is among them."""


class Regressor(Plugin):
    """E = Σ_terms Σ_s f_{term, type(s)}(x_s), with f to be found."""

    kind: ClassVar[Kind] = "regressor"

    @property
    def smooth(self) -> bool:
        """Whether dE/dx is continuous. If not, the fit uses energies only and the model has no forces."""
        return True

    @property
    def takes_width(self) -> bool:
        """Whether its functions have a size that the user may choose; default: it has a parameter ``width``."""
        return "width" in type(self).model_fields

    @property
    def takes_weights(self) -> bool:
        """Whether its fit heeds ``Batch.weights``; if not, every frame must have all labels, which count alike."""
        return False

    @property
    def universal(self) -> bool:
        """Whether it can come close to any smooth function of a site, given enough samples."""
        return True

    @property
    def numbers_per_site(self) -> int:
        """About how many numbers ``predict`` holds for a site of a structure; large batches are cut by it."""
        return 1000

    @abstractmethod
    def fit(
        self,
        train: Samples,
        valid: Samples,
        widths: Sequence[int | None],
        rng: np.random.Generator,
        progress: Progress,
    ) -> dict[str, Any]:
        """Find f from the training samples, hyper-parameters on the validation samples, into ``state``.

        Args:
            train, valid: disjoint sets of structures.
            widths: the size of each term's function, where the user gave one, else None: choose it.
            rng: the run's only source of randomness.
            progress: may be told how far the fit is.

        Returns:
            What was chosen, under names of your own, as JSON-ready values; it is printed and kept in the artifact.
        """

    @abstractmethod
    def predict(self, terms: Sequence[Sites]) -> tuple[Floats, list[Floats]]:
        """Energies (M,) and, for each term, dE/dx (M, S, D)."""

    def deviations(self, terms: Sequence[Sites]) -> Floats:
        """Predictive standard deviations of the energies (M,), eV. A regressor need not have them."""
        raise UserError(f"regressor '{self.name}' has no predictive variance; random_fourier has, for example")

    def committee(self, terms: Sequence[Sites]) -> tuple[Floats, list[Floats]]:
        """P models that are as likely as this one: energies (P, M) and, for each term, dE/dx (P, M, S, D).

        Their mean is what ``predict`` gives, and their sample standard deviation what it may be wrong by. A regressor
        need not have them.
        """
        raise UserError(f"regressor '{self.name}' has no committee; random_fourier and rfnn have")

    def fit_outputs(
        self,
        train: Samples,
        valid: Samples,
        widths: Sequence[int | None],
        rng: np.random.Generator,
        progress: Progress,
    ) -> dict[str, Any]:
        """Find vector functions f with Σ_terms Σ_s f_{term, type(s)}(x_s) ≈ outputs, for ``--target direct``.

        As ``fit``, but without derivatives and for P targets at once (``Batch.outputs``). A regressor need not have it.
        """
        raise UserError(f"regressor '{self.name}' is for conservative models only; leave --target direct out")

    def predict_outputs(self, terms: Sequence[Sites]) -> Floats:
        """Outputs (M, P) after ``fit_outputs``."""
        raise UserError(f"regressor '{self.name}' is for conservative models only")
