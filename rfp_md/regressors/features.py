"""Regressors that are linear in random features: draw them, accumulate normal equations, solve, choose."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from pydantic import Field

from rfp_md.arrays import Floats
from rfp_md.errors import UserError
from rfp_md.linalg.ridge import Solution
from rfp_md.plugins.parameter_types import Numbers, check_unused
from rfp_md.progress import Progress
from rfp_md.regressors.base import Samples
from rfp_md.regressors.feature_model import FeatureModel
from rfp_md.regressors.fitting.accumulate import Accumulator
from rfp_md.regressors.fitting.choose import choose, choose_closeness, limit_prior
from rfp_md.regressors.fitting.direct_fit import DirectFit
from rfp_md.regressors.fitting.levels import LevelSolver
from rfp_md.regressors.fitting.plan import SAMPLE_FRAMES, FitPlan, Survey, plan_outputs
from rfp_md.regressors.fitting.rows import FeatureBlock
from rfp_md.regressors.fitting.scores import Score, score
from rfp_md.regressors.fitting.select_features import select_features
from rfp_md.regressors.fitting.site_pools import SitePool, pool_sites
from rfp_md.regressors.fitting.solve import Solver

DIRECT_REGULARIZATION = (1e-12, 1e-10, 1e-8, 1e-6, 1e-4, 1e-2, 1.0)
SELECTION_ROWS = 60_000  # that features are selected by; of more structures, some
MEMBERS = 8  # of the committee; the spread of so many is known within a quarter


def _maes(kind: str, errors: Score) -> dict[str, Any]:
    """Mean absolute errors of one kind of frames, for the report of a fit."""
    return {
        "config_type": kind,
        "energy_mae_ev": errors.energy_mae,
        "force_mae_ev_per_angstrom": errors.slope_mae,
        "virial_mae_ev": errors.strain_mae,
    }


class FeatureRegressor(FeatureModel):
    """f(x) = Σ_k c_k φ_k(x); energies and slopes are fitted together in one linear solve.

        minimise  Σ_m (E_m − Φ_m c)² + w Σ_m |∂E_m − Q_m c|² + λ Σ_k A_kk c_k²

    with Φ_mk = Σ_s φ_k(x_ms) and Q_mk = Σ_s σ′_k(x_ms) W_k·∂x_ms (thesis, Algorithm 5), and a third sum with
    a weight of its own over the slopes with respect to strain, where there are stresses. λ and the weights
    are chosen on the validation samples, which then join the training samples for the last solve.
    """

    width: int | None = Field(
        None, ge=1, le=10_000_000, description="number of features; default: by the number of targets, ≤ 6000"
    )
    pool: float = Field(1.0, ge=1.0, le=10.0, description="features drawn for each one that is kept: the best are")
    regularization: Numbers = Field(
        (1e-13, 1e-12, 1e-11, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5),
        description="λ to choose from, relative to a unit-diagonal Gram matrix",
    )
    force_weights: Numbers = Field((1.0, 0.1, 0.01), description="weights of the force rows to choose from")
    stress_weights: Numbers = Field((1.0, 0.1, 0.01), description="weights of the strain rows to choose from")

    relative: bool = Field(True, description="λ relative to the features' size; false: plain λ, as in the thesis")

    @abstractmethod
    def draw(self, sites: SitePool, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Draw W (sites.width, D) and b (sites.width,) for sites of one type."""

    def default_width(self, n_samples: int, n_rows: int) -> int:
        """The number of features where none is given, for so many structures with so many targets."""
        return int(np.clip(n_rows // 4, 500, 6000))

    def n_slopes(self, train: Samples) -> int:
        """How many slopes of a structure the fit uses."""
        return train.n_coordinates + train.n_strains if self.smooth else 0

    @property
    def takes_weights(self) -> bool:
        """Rows are multiplied by √w."""
        return True

    def fit(
        self,
        train: Samples,
        valid: Samples,
        widths: Sequence[int | None],
        rng: np.random.Generator,
        progress: Progress,
    ) -> dict[str, Any]:
        """Draw the features, accumulate normal equations, choose λ and weights, solve, and make the committee."""
        self._check_used(train)
        survey = self.survey(train, valid, rng)
        if train.low is not None:
            survey = replace(survey, sample=self.survey(train.low, valid, rng).sample + survey.sample)
        plan = self.plan(survey, widths)
        plan.check_memory(progress)
        accumulator, drawn = self._accumulate(plan, train, rng, progress)
        prior = None
        if train.prior is not None:
            prior = Accumulator(accumulator.blocks, (len(train.prior),))
            prior.stream(train.prior, plan.batch_size, progress)
        low = None
        if train.low is not None:
            low = Accumulator(accumulator.blocks, train.low.n_targets[: len(plan.n_rows)])
            self._stream(low, train.low, "Frames of the low level", plan, progress)
        noise = rng.standard_normal((accumulator.width, MEMBERS))
        noise -= noise.mean(axis=1, keepdims=True)  # so that the members' mean is the model itself
        of_prior = prior.equations[0] if prior is not None else None
        if low is not None:
            solver: Solver = LevelSolver(accumulator.equations, progress, low.equations, noise=noise, prior=of_prior)
        else:
            solver = Solver(accumulator.equations, progress, scaled=self.relative, noise=noise, prior=of_prior)

        def errors(candidate: Solution, samples: Samples) -> Score:
            return score(accumulator.blocks, candidate, samples, plan.batch_size, n_kinds=solver.n_kinds)

        choice = choose(
            solver,
            lambda candidate: errors(candidate, valid),
            self.regularization,
            self.force_weights,
            self.stress_weights,
            progress,
            every_lambda=plan.few_rows,
        )
        if isinstance(solver, LevelSolver):
            choice = choose_closeness(solver, choice, lambda candidate: errors(candidate, valid), progress)
        if train.prior is not None:
            choice = limit_prior(solver, choice, lambda candidate: errors(candidate, valid), progress)
        of_kinds = {kind: errors(choice.solution, some) for kind, some in valid.by_kind().items()}
        self._stream(accumulator, valid, "Validation frames", plan, progress)
        final = solver.solve(choice.weights, choice.solution.regularization, "Last solve")
        self._remember(accumulator.blocks, final)
        uncertainty_scale = float(np.sqrt(choice.score.variance_ratio or 0.0))
        if final.draws is not None:
            self._state["committee"] = uncertainty_scale * final.draws
        return {
            "width": len(final.coefficients),
            "drawn": drawn,
            "regularization": final.regularization,
            "force_weight": choice.weights[1] if survey.n_slopes else None,
            "stress_weight": choice.weights[2] if survey.n_strains else None,
            "prior_weight": solver.prior_weight if train.prior is not None else None,
            **({"closeness": solver.closeness} if isinstance(solver, LevelSolver) else {}),
            "solver": final.method,
            "residual": final.residual,
            "failed_factorisations": solver.failed,
            "valid_score": choice.score.value,
            "valid_energy_mae_ev": choice.score.energy_mae,
            "valid_force_mae_ev_per_angstrom": choice.score.slope_mae,
            "valid_virial_mae_ev": choice.score.strain_mae,
            "uncertainty_scale": uncertainty_scale,
            **({"valid_by_config_type": [_maes(*found) for found in of_kinds.items()]} if of_kinds else {}),
        }

    def survey(self, train: Samples, valid: Samples, rng: np.random.Generator, most: int = SAMPLE_FRAMES) -> Survey:
        """What a plan must know of the samples; features are drawn from at most so many structures."""
        return Survey.of(train, valid, self.n_slopes(train), rng, most)

    def plan(self, survey: Survey, widths: Sequence[int | None]) -> FitPlan:
        """What a fit of terms of these widths does: more features are drawn than are kept, if the rows can choose."""
        kept = self.site_pools(survey, widths, self.default_width(survey.n_train, survey.n_targets))
        drawn = kept
        if survey.n_targets > self.pool * sum(sites.width for sites in kept):
            drawn = [replace(sites, width=round(self.pool * sites.width)) for sites in kept]
        return FitPlan.of(survey, kept, drawn)

    def site_pools(self, survey: Survey, widths: Sequence[int | None], default: int) -> list[SitePool]:
        """The sites to draw features from; a term's width is shared among its site types by their numbers of sites."""
        default = max(1, (self.width or default) // len(widths))
        groups = survey.groups or [None] * len(widths)
        return [
            sites
            for k, width in enumerate(widths)
            for sites in pool_sites(survey.sample, k, width or default, groups[k])
        ]

    def draw_blocks(self, typed: Sequence[SitePool], rng: np.random.Generator) -> list[FeatureBlock]:
        """Features for sites of each type of each term, in the order of their columns."""
        blocks, start = [], 0
        for sites in typed:
            features = self.features(*self.draw(sites, rng))
            stop = start + len(features.biases)
            blocks.append(FeatureBlock(sites.term, sites.site_type, slice(start, stop), features))
            start = stop
        return blocks

    def _accumulate(
        self, plan: FitPlan, train: Samples, rng: np.random.Generator, progress: Progress
    ) -> tuple[Accumulator, int]:
        """The normal equations of the training samples, of those features that are kept; how many were drawn."""
        accumulator = Accumulator(self.draw_blocks(plan.drawn, rng), plan.n_rows)
        some, drawn = train, accumulator.width
        if accumulator.width > plan.width:
            some = train.some(max(1, SELECTION_ROWS // (1 + self.n_slopes(train))), rng)
            self._stream(accumulator, some, "Frames to select by", plan, progress)
            weights = (1.0, self.force_weights[0], self.stress_weights[0])
            select_features(accumulator, plan.width, weights, progress)
            if some is train:
                return accumulator, drawn
            accumulator = Accumulator(accumulator.blocks, plan.n_rows)
        self._stream(accumulator, train, "Training frames", plan, progress)
        return accumulator, drawn

    @staticmethod
    def _stream(accumulator: Accumulator, samples: Samples, label: str, plan: FitPlan, progress: Progress) -> None:
        progress.start(label, sum(samples.n_targets[: len(plan.n_rows)]), "rows")
        accumulator.stream(samples, plan.batch_size, progress)

    def fit_outputs(
        self,
        train: Samples,
        valid: Samples,
        widths: Sequence[int | None],
        rng: np.random.Generator,
        progress: Progress,
    ) -> dict[str, Any]:
        """min_C |Y − Φ C|² + λ |C|² for the outputs Y (M, P), with λ chosen on the validation samples."""
        self._check_weights("force_weights", "stress_weights", "pool", where="with --target direct")
        survey = Survey.of(train, valid, 0, rng)
        typed = self.site_pools(survey, widths, self.default_width(len(train), len(train)))
        width = sum(sites.width for sites in typed)
        plan = plan_outputs(survey, typed)
        plan.check_memory(progress)
        blocks = self.draw_blocks(typed, rng)
        fit = DirectFit(blocks, plan.batch_size, progress, scaled=self.relative)
        # Without derivatives the system has far fewer equations, and may need far more regularization.
        given = "regularization" in self.model_fields_set
        final, mae = fit.run(train, valid, self.regularization if given else DIRECT_REGULARIZATION)
        self._remember(blocks, final)
        return {
            "width": width,
            "regularization": final.regularization,
            "solver": final.method,
            "residual": final.residual,
            "valid_mae": mae,
        }

    def _check_used(self, train: Samples) -> None:
        """Raise UserError for weights of rows that there are none of."""
        if not self.smooth:
            self._check_weights("force_weights", "stress_weights", where="in a fit to energies only")
        if not train.n_strains:
            self._check_weights("stress_weights", where="for frames without stresses")

    def _check_weights(self, *names: str, where: str) -> None:
        """Raise UserError for weights that were chosen and have no effect."""
        try:
            check_unused(self, names, where)
        except ValueError as error:
            raise UserError(f"regressor '{self.name}': {error}") from error
