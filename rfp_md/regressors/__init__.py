"""Regressors: sites in, energy out; they know arrays and nothing of atoms."""

from typing import Any

from rfp_md import lazily
from rfp_md.regressors.base import Batch, Regressor, Samples

# Imported when they are asked for: compiled kernels and linear algebra come with them.
_PUBLIC = {
    "FeatureRegressor": "rfp_md.regressors.features",
    "TypedSites": "rfp_md.regressors.fitting.typed_sites",
    "sites_by_type": "rfp_md.regressors.fitting.typed_sites",
}

__all__ = ["Batch", "FeatureRegressor", "Regressor", "Samples", "TypedSites", "sites_by_type"]


def __getattr__(name: str) -> Any:
    return lazily(__name__, _PUBLIC, name)
