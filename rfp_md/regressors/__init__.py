"""Regressors: sites in, energy out; they know arrays and nothing of atoms."""

from typing import Any

from rfp_md.regressors.base import Batch, Regressor, Samples

__all__ = ["Batch", "FeatureRegressor", "Regressor", "Samples"]


def __getattr__(name: str) -> Any:
    # Imported when it is asked for: compiled kernels and linear algebra come with it.
    if name == "FeatureRegressor":
        from rfp_md.regressors.features import FeatureRegressor

        return FeatureRegressor
    raise AttributeError(f"module 'rfp_md.regressors' has no attribute {name!r}")
