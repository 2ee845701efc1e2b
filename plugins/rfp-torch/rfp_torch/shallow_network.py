"""A shallow network whose hidden layer is learned, not drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy import special

from rfp_md import UserError
from rfp_md.arrays import Floats
from rfp_md.linalg.memory import require_memory
from rfp_md.progress import Progress
from rfp_md.regressors import Batch, Regressor, Samples
from rfp_md.regressors.fitting.typed_sites import sites_by_type
from rfp_md.sites import Sites
from rfp_torch.network import ARRAYS, Network

SAMPLE_FRAMES = 2000  # structures that the sites are standardised by


class ShallowNetwork(Regressor):
    """f(x) = Σ_i a_i σ(W_i·x + b_i) for each type of site, with a, W and b found by Adam (thesis, eqs. 2.43 to 2.45).

        minimise  1/M Σ_m |ΔE_m|² + λ |ΔF_m|² + η |r_m × ΔF_m|²

    with λ = ``force_weight``, η = ``torque_weight``. Sites are standardised; the epoch that is best on the
    validation samples is kept. Trained with torch, predicts with numpy.
    """

    name: ClassVar[str] = "shallow_network"
    compatible_since: ClassVar[str | None] = "0.1.0"

    width: int = Field(300, ge=1, description="neurons of a term whose own width is not given")
    activation: Literal["tanh", "silu", "gelu"] = Field("silu", description="σ")
    force_weight: float = Field(1.0, ge=0, allow_inf_nan=False, description="λ, Å²")
    torque_weight: float = Field(1.0, ge=0, allow_inf_nan=False, description="η; with λ = η = 0, energies only")
    epochs: int = Field(300, ge=1, description="times that every training frame is seen")
    batch_size: int = Field(20, ge=1, description="frames of a step")
    learning_rate: float = Field(0.01, gt=0, allow_inf_nan=False, description="of the first step; falls as a cosine")
    threads: int = Field(1, ge=1, description="of the training; more may help wide terms on an idle machine")

    def fit(
        self,
        train: Samples,
        valid: Samples,
        widths: Sequence[int | None],
        rng: np.random.Generator,
        progress: Progress,
    ) -> dict[str, Any]:
        try:
            from rfp_torch.training import Objective, descend, limited_threads
        except ModuleNotFoundError as error:
            raise UserError(f"regressor '{self.name}' trains with torch; pip install torch") from error

        sample = list(train.some(SAMPLE_FRAMES, rng).batches(SAMPLE_FRAMES, derivatives=False))
        self._check_memory(train, valid, sample)
        unit = float(np.concatenate([batch.energies for batch in sample]).std()) or 1.0
        typed = [sites for k, width in enumerate(widths) for sites in sites_by_type(sample, k, width or self.width)]
        blocks = [list(part.batches(len(part), derivatives=self._derivatives)) for part in (train, valid)]
        with limited_threads(self.threads):
            networks, report = descend(
                [Network.draw(sites, unit, rng) for sites in typed],
                Objective(self.activation, self.force_weight, self.torque_weight),
                *blocks,
                epochs=self.epochs,
                batch_size=self.batch_size,
                learning_rate=self.learning_rate,
                unit=unit,
                rng=rng,
                progress=progress,
            )
        self._state.clear()
        for network in networks:
            for name in ARRAYS:
                self._state[f"{network.term}.{network.site_type}.{name}"] = getattr(network, name)
        return {"width": sum(sites.width for sites in typed), **report}

    @property
    def numbers_per_site(self) -> int:
        return max(len(network.biases) for network in self._networks())

    def predict(self, terms: Sequence[Sites]) -> tuple[Floats, list[Floats]]:
        energies = np.zeros(len(terms[0].values))
        gradients = [np.zeros_like(sites.values) for sites in terms]
        for network in self._networks():
            sites = terms[network.term]
            mine = sites.types == network.site_type
            value, gradients[network.term][:, mine] = network(sites.values[:, mine], self.activation, special)
            energies += value.sum(axis=1)
        return energies, gradients

    def restore(self, state: dict[str, NDArray[Any]]) -> Self:
        super().restore(state)
        if not self._networks():
            raise ValueError("there is no network in it")
        return self

    def _networks(self) -> list[Network]:
        """The networks in the order of terms and types."""
        places = sorted({tuple(int(part) for part in key.split(".")[:2]) for key in self._state})
        return [Network(*place, *(self._state[f"{place[0]}.{place[1]}.{name}"] for name in ARRAYS)) for place in places]

    @property
    def _derivatives(self) -> bool:
        return self.force_weight > 0 or self.torque_weight > 0

    def _check_memory(self, train: Samples, valid: Samples, sample: Sequence[Batch]) -> None:
        """Sites and Jacobians of all structures, and as much again while the descriptors compute them."""
        numbers = max(batch.numbers_per_structure for batch in sample)
        columns = 1 + (train.n_coordinates + train.n_strains if self._derivatives else 0)
        needed = 2 * 8 * numbers * columns * (len(train) + len(valid))
        require_memory(needed, "train on fewer frames (--n-train), or with a descriptor of fewer components")
