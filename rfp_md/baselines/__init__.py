"""What is not learned: taken off before the fit, added in prediction."""

from rfp_md.baselines.base import Baseline, Capabilities

__all__ = ["Baseline", "Capabilities"]
