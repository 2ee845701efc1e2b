"""Regressors: sites in, energy out; they know arrays and nothing of atoms."""

from typing import Any

from rfp_md import lazily
from rfp_md.regressors.base import Batch, Regressor, Samples

# Imported when they are asked for: compiled kernels and linear algebra come with them.
_PUBLIC = {
    "FeatureRegressor": "rfp_md.regressors.features",
    "SitePool": "rfp_md.regressors.fitting.site_pools",
    "pool_sites": "rfp_md.regressors.fitting.site_pools",
}

__all__ = ["Batch", "FeatureRegressor", "Regressor", "Samples", "SitePool", "pool_sites"]


def __getattr__(name: str) -> Any:
    return lazily(__name__, _PUBLIC, name)
