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
from rfp_md.linalg.gram import numbers_kept
from rfp_md.linalg.memory import available_memory, gigabytes, require_memory
from rfp_md.linalg.ridge import Solution
from rfp_md.plugins.parameter_types import Numbers, check_unused
from rfp_md.progress import Progress
from rfp_md.random_features.activations import ACTIVATIONS
from rfp_md.random_features.feature_map import FeatureMap, Features
from rfp_md.regressors.base import Batch, Regressor, Samples
from rfp_md.regressors.fitting.direct_fit import DirectFit
from rfp_md.regressors.fitting.joint_fit import JointFit
from rfp_md.regressors.fitting.pools import SitePool, pool_sites
from rfp_md.regressors.fitting.readouts import evaluate
from rfp_md.regressors.fitting.rows import Block, energy_rows
from rfp_md.sites import Sites

SAMPLE_FRAMES = 2000  # structures that the features are drawn from
DIRECT_REGULARIZATION = (1e-12, 1e-10, 1e-8, 1e-6, 1e-4, 1e-2, 1.0)
SELECTION_ROWS = 60_000  # that features are selected by; of more structures, some
MEMBERS = 8  # of the committee; the spread of so many is known within a quarter
BATCH_BYTES = 150e6  # of one batch of rows, with everything that they are made from


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

    _layout: list[Block] | None = PrivateAttr(None)

    @property
    @abstractmethod
    def activation_name(self) -> str:
        """A key of ACTIVATIONS."""

    @abstractmethod
    def draw(self, pool: SitePool, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Draw W (pool.width, D) and b (pool.width,) for sites of one type."""

    def features(self, weights: Floats, biases: Floats) -> Features:
        """The functions that are drawn."""
        return FeatureMap(weights, biases, self.activation_name)

    def default_width(self, n_samples: int, n_rows: int) -> int:
        """The number of features where none is given, for so many structures with so many targets."""
        return int(np.clip(n_rows // 4, 500, 6000))

    @property
    def smooth(self) -> bool:
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
        if not self.smooth:
            self._check_weights("force_weights", "stress_weights", where="in a fit to energies only")
        if not train.n_strains:
            self._check_weights("stress_weights", where="for frames without stresses")
        sample = list(train.some(SAMPLE_FRAMES, rng).batches(SAMPLE_FRAMES, derivatives=False))
        slopes = self.n_slopes(train)
        pools = self._pools(train, sample, widths, self.default_width(len(train), len(train) * (1 + slopes)))
        width = sum(pool.width for pool in pools)
        batch_size, needed = self._footprint(train, valid, sample, pools)
        self._require(needed, width, progress)
        blocks = self._draw_blocks(self._drawn(pools, train), rng)
        fit = JointFit(blocks, self._n_rows(train, valid), batch_size, progress, scaled=self.relative)
        if fit.width > width:
            some = train.some(max(1, SELECTION_ROWS // (1 + slopes)), rng)
            fit.add(some, "Frames to select by")
            fit.select(width, (1.0, self.force_weights[0], self.stress_weights[0]))
            if some is not train:
                fit.restart()
                fit.add(train, "Training frames")
        else:
            fit.add(train, "Training frames")
        noise = rng.standard_normal((fit.width, MEMBERS))
        fit.noise = noise - noise.mean(axis=1, keepdims=True)  # so that the members' mean is the model itself
        choice = fit.choose(valid, self.regularization, self.force_weights, self.stress_weights)
        fit.add(valid, "Validation frames")
        final = fit.solve(choice.weights, choice.solution.regularization, "Last solve")
        self._remember(fit.blocks, final)
        uncertainty_scale = float(np.sqrt(choice.score.variance_ratio or 0.0))
        if final.deviations is not None:
            self._state["committee"] = uncertainty_scale * final.deviations
        return {
            "width": len(final.coefficients),
            "drawn": blocks[-1].columns.stop,
            "regularization": final.regularization,
            "force_weight": choice.weights[1] if slopes else None,
            "stress_weight": choice.weights[2] if train.n_strains and slopes else None,
            "solver": final.method,
            "residual": final.residual,
            "failed_factorisations": fit.failed,
            "valid_energy_mae_ev": choice.score.energy_mae,
            "valid_force_mae_ev_per_angstrom": choice.score.slope_mae,
            "valid_virial_mae_ev": choice.score.strain_mae,
            "uncertainty_scale": uncertainty_scale,
        }

    @property
    def numbers_per_site(self) -> int:
        return max(len(block.features.biases) for block in self._blocks())

    def predict(self, terms: Sequence[Sites]) -> tuple[Floats, list[Floats]]:
        energies, gradients = evaluate(self._blocks(), self._state["readout"][:, None], terms)
        return energies[0], [gradient[0] for gradient in gradients]

    def committee(self, terms: Sequence[Sites]) -> tuple[Floats, list[Floats]]:
        """Members c + s δ_p, with draws δ_p of the posterior N(0, (A + λD)⁻¹) of the last solve.

        The δ_p are centred, so that the members' mean is the model, and s is what makes
        mean(error² / variance) = 1 on the validation forces for the solve without them.
        """
        readouts = self._state["readout"][:, None] + self._deviations()
        return evaluate(self._blocks(), readouts, terms)

    def deviations(self, terms: Sequence[Sites]) -> Floats:
        members = energy_rows(self._blocks(), terms) @ self._deviations()
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
        self._check_weights("force_weights", "stress_weights", "pool", where="with --target direct")
        sample = list(train.some(SAMPLE_FRAMES, rng).batches(SAMPLE_FRAMES, derivatives=False))
        pools = self._pools(train, sample, widths, self.default_width(len(train), len(train)))
        width = sum(pool.width for pool in pools)
        rows = len(train) + len(valid)
        numbers = max(batch.numbers_per_structure for batch in sample)
        batch_size = int(np.clip(BATCH_BYTES / (8 * (width + numbers)), 1, rows))
        # Rows twice (as they are and scaled) and their products, or the Gram matrix and its factor.
        held = 2 * rows * (width + rows) if rows <= width else 3 * width**2
        self._require(8 * held + int(BATCH_BYTES), width, progress)
        fit = DirectFit(self._draw_blocks(pools, rng), batch_size, progress, scaled=self.relative)
        # Without derivatives the system has far fewer equations, and may need far more regularization.
        given = "regularization" in self.model_fields_set
        final, mae = fit.run(train, valid, self.regularization if given else DIRECT_REGULARIZATION)
        self._remember(fit.blocks, final)
        return {
            "width": width,
            "regularization": final.regularization,
            "solver": final.method,
            "residual": final.residual,
            "valid_mae": mae,
        }

    def predict_outputs(self, terms: Sequence[Sites]) -> Floats:
        outputs: Floats = energy_rows(self._blocks(), terms) @ self._state["readout"]
        return outputs

    def restore(self, state: dict[str, NDArray[Any]]) -> Self:
        super().restore(state)
        self._layout = None
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

    def _check_weights(self, *names: str, where: str) -> None:
        """Raise UserError for weights that were chosen and have no effect."""
        try:
            check_unused(self, names, where)
        except ValueError as error:
            raise UserError(f"regressor '{self.name}': {error}") from error

    def _pools(self, train: Samples, sample: list[Batch], widths: Sequence[int | None], default: int) -> list[SitePool]:
        """The sites to draw features from; a term's width is shared among its site types by their numbers of sites."""
        default = max(1, (self.width or default) // len(widths))
        groups = train.groups or [None] * len(widths)
        return [pool for k, width in enumerate(widths) for pool in pool_sites(sample, k, width or default, groups[k])]

    def _draw_blocks(self, pools: list[SitePool], rng: np.random.Generator) -> list[Block]:
        blocks, start = [], 0
        for pool in pools:
            features = self.features(*self.draw(pool, rng))
            stop = start + len(features.biases)
            blocks.append(Block(pool.term, pool.site_type, slice(start, stop), features))
            start = stop
        return blocks

    def _n_rows(self, train: Samples, valid: Samples) -> list[int]:
        """How many rows of energies, of slopes and of strain slopes there are."""
        per_structure = [1, train.n_coordinates, train.n_strains] if self.smooth else [1]
        return [(len(train) + len(valid)) * count for count in per_structure if count]

    def _drawn(self, pools: list[SitePool], train: Samples) -> list[SitePool]:
        """The same for all features that are drawn: more than are kept, if there are enough rows to choose by."""
        if len(train) * (1 + self.n_slopes(train)) <= self.pool * sum(pool.width for pool in pools):
            return pools
        return [replace(pool, width=round(self.pool * pool.width)) for pool in pools]

    def _footprint(self, train: Samples, valid: Samples, sample: list[Batch], pools: list[SitePool]) -> tuple[int, int]:
        """Structures in a batch, and peak bytes: weights, normal equations, their weighted sum, one batch."""
        slopes, drawn = self.n_slopes(train), self._drawn(pools, train)
        width, most = (sum(pool.width for pool in some) for some in (pools, drawn))
        # Rows and the product they are made from, the Jacobian and its transpose.
        per_structure = 16 * max(1, slopes) * (most + max(batch.numbers_per_structure for batch in sample))
        batch_size = int(np.clip(BATCH_BYTES / per_structure, 1, len(train)))

        def equations(features: int) -> int:
            rows = self._n_rows(train, valid)
            return sum(numbers_kept(count, features) for count in rows)

        # The factor of a selection, or the weighted sum of a solve.
        held = max(equations(most) + most * width if most > width else 0, equations(width) + width**2)
        held += sum(pool.width * pool.points.shape[1] for pool in drawn)
        return batch_size, 8 * held + batch_size * per_structure

    def _require(self, needed: int, width: int, progress: Progress) -> None:
        progress.message(
            f"{width} features: peak memory about {gigabytes(needed)} of {gigabytes(available_memory())} available"
        )
        require_memory(needed, "lower the width (--descriptor NAME:width=…)")

    def _remember(self, blocks: list[Block], solution: Solution) -> None:
        self._state.clear()
        for block in blocks:
            prefix = f"{block.term}.{block.site_type}"
            self._state[f"{prefix}.weights"] = block.features.weights
            self._state[f"{prefix}.biases"] = block.features.biases
        self._state["readout"] = solution.coefficients
        self._layout = None

    def _deviations(self) -> Floats:
        """s δ_p (K, P)."""
        if "committee" not in self._state:
            raise UserError(
                "this model has no committee and so no uncertainty: it is a direct one, or an old one; "
                "train it again, without --target direct"
            )
        return self._state["committee"]

    def _blocks(self) -> list[Block]:
        """The blocks in the order of the readout, rebuilt once from ``state``."""
        if self._layout is None:
            blocks: list[Block] = []
            keys = [key.rsplit(".", 1)[0] for key in self._state if key.endswith(".weights")]
            for prefix in sorted(keys, key=lambda key: tuple(int(part) for part in key.split("."))):
                term, site_type = (int(part) for part in prefix.split("."))
                weights, biases = self._state[f"{prefix}.weights"], self._state[f"{prefix}.biases"]
                start = blocks[-1].columns.stop if blocks else 0
                features = self.features(weights, biases)
                blocks.append(Block(term, site_type, slice(start, start + len(weights)), features))
            self._layout = blocks  # whole at once: other threads may be looking
        return self._layout
