"""Regressors: sites in, energy out; they know arrays and nothing of atoms."""

from rfp_md.regressors.base import Batch, Regressor, Samples

__all__ = ["Batch", "Regressor", "Samples"]
