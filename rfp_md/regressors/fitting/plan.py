"""What a fit is going to do, before it does any of it: its features, its batches, and the memory that they take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rfp_md.linalg.gram import numbers_kept
from rfp_md.linalg.memory import available_memory, gigabytes, require_memory
from rfp_md.progress import Progress
from rfp_md.regressors.base import Batch, Samples
from rfp_md.regressors.fitting.rows import BATCH_BYTES
from rfp_md.regressors.fitting.site_pools import SitePool

SAMPLE_FRAMES = 2000  # structures that the features are drawn from
LOOKED_AT = 4  # structures whose Jacobians tell how large one is
FEW_ROWS = 2  # for each feature; with fewer, a fit comes close to every single target


@dataclass(frozen=True, eq=False)
class Survey:
    """What is known of the training samples before a fit.

    Attributes:
        sample: structures that the features are drawn from, without derivatives.
        n_train, n_valid: how many structures there are.
        n_rows: how many energies, slopes and strain slopes are known, training and validation together.
        n_targets: numbers that the training structures are fitted to.
        n_slopes: slopes of a structure that the fit uses, those of the strain among them.
        n_strains: of these, the slopes of the strain.
        jacobian_numbers: how many numbers the Jacobians of a structure are.
        groups: for each term, the sets of components that a feature may be drawn on.
    """

    sample: list[Batch]
    n_train: int
    n_valid: int
    n_rows: tuple[int, ...]
    n_targets: int
    n_slopes: int
    n_strains: int
    jacobian_numbers: int
    groups: Sequence[NDArray[np.bool_] | None]

    @classmethod
    def of(
        cls, train: Samples, valid: Samples, n_slopes: int, rng: np.random.Generator, most: int = SAMPLE_FRAMES
    ) -> Survey:
        """Look at some of the samples, and count them all."""
        sample = list(train.some(most, rng).batches(most, derivatives=False))
        numbers = [0]
        if n_slopes:
            few = train.some(LOOKED_AT, np.random.default_rng(0))  # of its own: nothing that is drawn depends on it
            numbers += [sum(s.jacobian_numbers for s in one.terms) for one in few.batches(1, derivatives=True)]
        n_strains = train.n_strains if n_slopes else 0
        kinds = 1 if not n_slopes else 3 if n_strains else 2
        known, judging = train.n_targets[:kinds], valid.n_targets[:kinds]
        rows = tuple(one + other for one, other in zip(known, judging, strict=True))
        return cls(sample, len(train), len(valid), rows, sum(known), n_slopes, n_strains, max(numbers), train.groups)


@dataclass(frozen=True, eq=False)
class FitPlan:
    """Features, batches and memory of a fit.

    Attributes:
        kept: the sites of each block, and how many features are kept of it.
        drawn: the same with the features that are drawn; more than are kept, where the best ones are chosen.
        n_rows: of energies, slopes and strain slopes; no more numbers than kinds that there are.
        batch_size: structures whose rows are made at once.
        bytes_needed: at the peak: weights, normal equations, their weighted sum, one batch.
    """

    kept: tuple[SitePool, ...]
    drawn: tuple[SitePool, ...]
    n_rows: tuple[int, ...]
    batch_size: int
    bytes_needed: int

    @classmethod
    def of(cls, survey: Survey, kept: Sequence[SitePool], drawn: Sequence[SitePool]) -> FitPlan:
        """Plan a fit of these features to these samples."""
        width, most = (sum(sites.width for sites in typed) for typed in (kept, drawn))
        values = max(batch.numbers_per_structure for batch in survey.sample)
        # Rows and the product they are made from, the Jacobian and its transpose.
        per_structure = 16 * (max(1, survey.n_slopes) * most + max(values, survey.jacobian_numbers))
        batch_size = int(np.clip(BATCH_BYTES / per_structure, 1, survey.n_train))

        def equations(features: int) -> int:
            return sum(numbers_kept(count, features) for count in survey.n_rows)

        # The factor of a selection, or the weighted sum of a solve.
        held = max(equations(most) + most * width if most > width else 0, equations(width) + width**2)
        held += sum(sites.width * sites.points.shape[1] for sites in drawn)
        needed = 8 * held + int(min(batch_size * per_structure, max(BATCH_BYTES, 48 * most)))
        return cls(tuple(kept), tuple(drawn), tuple(survey.n_rows), batch_size, needed)

    @property
    def width(self) -> int:
        """The number of features that are kept."""
        return sum(sites.width for sites in self.kept)

    @property
    def few_rows(self) -> bool:
        """Whether the error of the fit may have several minima in λ."""
        return sum(self.n_rows) < FEW_ROWS * self.width

    def check_memory(self, progress: Progress) -> None:
        """Tell the peak memory. Raises UserError with the numbers if there is less."""
        needed, available = gigabytes(self.bytes_needed), gigabytes(available_memory())
        progress.message(f"{self.width} features: peak memory about {needed} of {available} available")
        require_memory(self.bytes_needed, "lower the width (--descriptor NAME:width=…)")


def plan_outputs(survey: Survey, typed: Sequence[SitePool]) -> FitPlan:
    """Plan the fit of a direct model: rows twice (as they are and scaled), or the Gram matrix and its factor."""
    rows, width = survey.n_train + survey.n_valid, sum(sites.width for sites in typed)
    values = max(batch.numbers_per_structure for batch in survey.sample)
    batch_size = int(np.clip(BATCH_BYTES / (8 * (width + values)), 1, rows))
    held = 2 * rows * (width + rows) if rows <= width else 3 * width**2
    return FitPlan(tuple(typed), tuple(typed), (rows,), batch_size, 8 * held + int(BATCH_BYTES))
