"""Linear regression."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np
from pydantic import field_validator

from rfp_md.arrays import Floats
from rfp_md.regressors.features import FeatureRegressor
from rfp_md.regressors.fitting.plan import Survey
from rfp_md.regressors.fitting.typed_sites import TypedSites


class Linear(FeatureRegressor):
    """f(x) = w·x + w₀, a function for each type of site: what a descriptor says without a hidden layer.

    The least that any other regressor has to beat; with a descriptor that is complete in its products, such
    as an atomic cluster expansion, all that is needed.
    """

    name: ClassVar[str] = "linear"
    compatible_since: ClassVar[str | None] = "0.1.0"

    @field_validator("width")
    @classmethod
    def _no_width(cls, value: int | None) -> int | None:
        if value is not None:
            raise ValueError("there are as many features as the sites have components; leave it out")
        return value

    @field_validator("pool")
    @classmethod
    def _no_pool(cls, value: float) -> float:
        if value != 1.0:
            raise ValueError("there is nothing to draw; leave it out")
        return value

    @property
    def takes_width(self) -> bool:
        """It has none to choose: the components of the sites are its features."""
        return False

    @property
    def universal(self) -> bool:
        """A linear function of a site comes close to linear ones only."""
        return False

    @property
    def activation_name(self) -> str:
        """σ(z) = z."""
        return "identity"

    def draw(self, sites: TypedSites, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """W = 1 above a row of zeros (D + 1, D) and b = (0, …, 0, 1): x itself and a constant; nothing is random."""
        n_components = sites.points.shape[1]
        return np.eye(n_components + 1, n_components), np.eye(n_components + 1)[-1]

    def typed_sites(self, survey: Survey, widths: Sequence[int | None], default: int) -> list[TypedSites]:
        """The sites of each type with D + 1 features each, whatever the widths."""
        typed = super().typed_sites(survey, widths, default)
        return [replace(sites, width=sites.points.shape[1] + 1) for sites in typed]
