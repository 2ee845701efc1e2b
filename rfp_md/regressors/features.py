"""Regressors that are linear in random features: draw them, accumulate normal equations, solve, choose."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PrivateAttr

from rfp_md.arrays import Floats
from rfp_md.errors import UserError
from rfp_md.linalg.ridge import Solution
from rfp_md.plugins.parameter_types import Numbers, check_unused
from rfp_md.progress import Progress
from rfp_md.random_features.activations import ACTIVATIONS
from rfp_md.random_features.feature_map import FeatureMap, Features
from rfp_md.regressors.base import Regressor, Samples
from rfp_md.regressors.fitting.accumulate import Accumulator
from rfp_md.regressors.fitting.choose import choose
from rfp_md.regressors.fitting.direct_fit import DirectFit
from rfp_md.regressors.fitting.plan import SAMPLE_FRAMES, FitPlan, Survey, plan_outputs
from rfp_md.regressors.fitting.readouts import evaluate_readouts
from rfp_md.regressors.fitting.rows import FeatureBlock, energy_rows
from rfp_md.regressors.fitting.scores import score
from rfp_md.regressors.fitting.select_features import select_features
from rfp_md.regressors.fitting.solve import Solver
from rfp_md.regressors.fitting.typed_sites import TypedSites, sites_by_type
from rfp_md.sites import Sites

DIRECT_REGULARIZATION = (1e-12, 1e-10, 1e-8, 1e-6, 1e-4, 1e-2, 1.0)
SELECTION_ROWS = 60_000  # that features are selected by; of more structures, some
MEMBERS = 8  # of the committee; the spread of so many is known within a quarter


class FeatureRegressor(Regressor):
    """f(x) = Σ_k c_k φ_k(x); energies and slopes are fitted together in one linear solve.

        minimise  Σ_m (E_m − Φ_m c)² + w Σ_m |∂E_m − Q_m c|² + λ Σ_k A_kk c_k²

    with Φ_mk = Σ_s φ_k(x_ms) and Q_mk = Σ_s σ′_k(x_ms) W_k·∂x_ms (thesis, Algorithm 5), and a third sum with
    a weight of its own over the slopes with respect to strain, where there are stresses. λ and the weights
    are chosen on the validation samples, which then join the training samples for the last solve.
    """

    width: int | None = Field(None, ge=1, description="number of features; default: by the number of targets, ≤ 6000")
    pool: float = Field(1.0, ge=1.0, le=10.0, description="features drawn for each one that is kept: the best are")
    regularization: Numbers = Field(
        (1e-13, 1e-12, 1e-11, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5),
        description="λ to choose from, relative to a unit-diagonal Gram matrix",
    )
    force_weights: Numbers = Field((1.0, 0.1, 0.01), description="weights of the force rows to choose from")
    stress_weights: Numbers = Field((1.0, 0.1, 0.01), description="weights of the strain rows to choose from")

    relative: bool = Field(True, description="λ relative to the features' size; false: plain λ, as in the thesis")

    _known_blocks: list[FeatureBlock] | None = PrivateAttr(None)

    @property
    @abstractmethod
    def activation_name(self) -> str:
        """The name of σ, a key of ACTIVATIONS."""

    @abstractmethod
    def draw(self, sites: TypedSites, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Draw W (sites.width, D) and b (sites.width,) for sites of one type."""

    def features(self, weights: Floats, biases: Floats) -> Features:
        """The functions φ_k of drawn weights W (K, D) and biases b (K,)."""
        return FeatureMap(weights, biases, self.activation_name)

    def default_width(self, n_samples: int, n_rows: int) -> int:
        """The number of features where none is given, for so many structures with so many targets."""
        return int(np.clip(n_rows // 4, 500, 6000))

    @property
    def smooth(self) -> bool:
        """Whether σ′ is continuous."""
        return ACTIVATIONS[self.activation_name].smooth

    def n_slopes(self, train: Samples) -> int:
        """How many slopes of a structure the fit uses."""
        return train.n_coordinates + train.n_strains if self.smooth else 0

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
        plan = self.plan(survey, widths)
        plan.check_memory(progress)
        accumulator, drawn = self._accumulate(plan, train, rng, progress)
        noise = rng.standard_normal((accumulator.width, MEMBERS))
        noise -= noise.mean(axis=1, keepdims=True)  # so that the members' mean is the model itself
        solver = Solver(accumulator.equations, progress, scaled=self.relative, noise=noise)
        choice = choose(
            solver,
            lambda candidate: score(
                accumulator.blocks, candidate, valid, plan.batch_size, derivatives=accumulator.derivatives
            ),
            self.regularization,
            self.force_weights,
            self.stress_weights,
            progress,
            every_lambda=plan.few_rows,
        )
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
            "solver": final.method,
            "residual": final.residual,
            "failed_factorisations": solver.failed,
            "valid_energy_mae_ev": choice.score.energy_mae,
            "valid_force_mae_ev_per_angstrom": choice.score.slope_mae,
            "valid_virial_mae_ev": choice.score.strain_mae,
            "uncertainty_scale": uncertainty_scale,
        }

    def survey(self, train: Samples, valid: Samples, rng: np.random.Generator, most: int = SAMPLE_FRAMES) -> Survey:
        """What a plan must know of the samples; features are drawn from at most so many structures."""
        return Survey.of(train, valid, self.n_slopes(train), rng, most)

    def plan(self, survey: Survey, widths: Sequence[int | None]) -> FitPlan:
        """What a fit of terms of these widths does: more features are drawn than are kept, if the rows can choose."""
        kept = self.typed_sites(survey, widths, self.default_width(survey.n_train, survey.n_targets))
        drawn = kept
        if survey.n_targets > self.pool * sum(sites.width for sites in kept):
            drawn = [replace(sites, width=round(self.pool * sites.width)) for sites in kept]
        return FitPlan.of(survey, kept, drawn)

    def typed_sites(self, survey: Survey, widths: Sequence[int | None], default: int) -> list[TypedSites]:
        """The sites to draw features from; a term's width is shared among its site types by their numbers of sites."""
        default = max(1, (self.width or default) // len(widths))
        groups = survey.groups or [None] * len(widths)
        return [
            sites
            for k, width in enumerate(widths)
            for sites in sites_by_type(survey.sample, k, width or default, groups[k])
        ]

    def draw_blocks(self, typed: Sequence[TypedSites], rng: np.random.Generator) -> list[FeatureBlock]:
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
        progress.start(label, len(samples) * (sum(plan.n_rows) // plan.n_rows[0]), "rows")
        accumulator.stream(samples, plan.batch_size, progress)

    @property
    def numbers_per_site(self) -> int:
        """The features of the largest block."""
        return max(len(block.features.biases) for block in self._blocks())

    def predict(self, terms: Sequence[Sites]) -> tuple[Floats, list[Floats]]:
        """E = Φ c (M,), and for each term dE/dx = Σ_k c_k ∂φ_k/∂x (M, S, D)."""
        energies, gradients = evaluate_readouts(self._blocks(), self._state["readout"][:, None], terms)
        return energies[0], [gradient[0] for gradient in gradients]

    def committee(self, terms: Sequence[Sites]) -> tuple[Floats, list[Floats]]:
        """Members c + s δ_p, with draws δ_p of the posterior N(0, (A + λD)⁻¹) of the last solve.

        The δ_p are centred, so that the members' mean is the model, and s is what makes
        mean(error² / variance) = 1 on the validation forces for the solve without them.
        """
        readouts = self._state["readout"][:, None] + self._draws()
        return evaluate_readouts(self._blocks(), readouts, terms)

    def deviations(self, terms: Sequence[Sites]) -> Floats:
        """The standard deviation of the committee's energies Φ (c + s δ_p) (M,), eV."""
        members = energy_rows(self._blocks(), terms) @ self._draws()
        deviations: Floats = members.std(axis=1, ddof=1)
        return deviations

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
        typed = self.typed_sites(survey, widths, self.default_width(len(train), len(train)))
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

    def predict_outputs(self, terms: Sequence[Sites]) -> Floats:
        """Y = Φ C (M, P)."""
        outputs: Floats = energy_rows(self._blocks(), terms) @ self._state["readout"]
        return outputs

    def restore(self, state: dict[str, NDArray[Any]]) -> Self:
        """Take back features, readout and committee, once their numbers of features fit each other."""
        super().restore(state)
        self._known_blocks = None
        width = 0
        for block in self._blocks():
            features = block.features
            if features.weights.ndim != 2 or features.biases.shape != (len(features.weights),):
                raise ValueError(f"weights and biases of term {block.term} do not fit each other")
            width = block.columns.stop
        if width == 0 or "readout" not in state or state["readout"].shape[:1] != (width,):
            raise ValueError("the readout does not fit the features")
        committee = state.get("committee")
        if committee is not None and (committee.ndim != 2 or len(committee) != width or committee.shape[1] < 2):
            raise ValueError("the committee does not fit the features")
        return self

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

    def _remember(self, blocks: list[FeatureBlock], solution: Solution) -> None:
        self._state.clear()
        for block in blocks:
            prefix = f"{block.term}.{block.site_type}"
            self._state[f"{prefix}.weights"] = block.features.weights
            self._state[f"{prefix}.biases"] = block.features.biases
        self._state["readout"] = solution.coefficients
        self._known_blocks = None

    def _draws(self) -> Floats:
        """s δ_p (K, P)."""
        if "committee" not in self._state:
            raise UserError(
                "this model has no committee and so no uncertainty: it is a direct one, or an old one; "
                "train it again, without --target direct"
            )
        return self._state["committee"]

    def _blocks(self) -> list[FeatureBlock]:
        """The blocks in the order of the readout, rebuilt once from ``state``."""
        if self._known_blocks is None:
            blocks: list[FeatureBlock] = []
            keys = [key.rsplit(".", 1)[0] for key in self._state if key.endswith(".weights")]
            for prefix in sorted(keys, key=lambda key: tuple(int(part) for part in key.split("."))):
                term, site_type = (int(part) for part in prefix.split("."))
                weights, biases = self._state[f"{prefix}.weights"], self._state[f"{prefix}.biases"]
                start = blocks[-1].columns.stop if blocks else 0
                features = self.features(weights, biases)
                blocks.append(FeatureBlock(term, site_type, slice(start, start + len(weights)), features))
            self._known_blocks = blocks  # whole at once: other threads may be looking
        return self._known_blocks
