"""Activations σ, each with its derivative and the pre-activations that the weight laws aim at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import log, pi

import numpy as np

from rfp_md.arrays import Floats

ValueAndDerivative = Callable[[Floats], tuple[Floats, Floats]]


@dataclass(frozen=True)
class Activation:
    """An activation σ with its derivative σ′.

    Attributes:
        evaluate: z ↦ (σ(z), σ′(z)).
        smooth: whether σ′ is continuous, so that −dE/dr is a force.
        alpha, beta: the constants of the thesis's weight law, eq. 2.47.
        span: pre-activations that the SWIM law gives the two points of a pair.
    """

    evaluate: ValueAndDerivative
    smooth: bool
    alpha: float
    beta: float
    span: tuple[float, float]


def _identity(z: Floats) -> tuple[Floats, Floats]:
    return z, np.ones_like(z)


def _tanh(z: Floats) -> tuple[Floats, Floats]:
    value = np.tanh(z)
    return value, 1.0 - value * value


def _gelu(z: Floats) -> tuple[Floats, Floats]:
    # z Φ(z) with the normal distribution Φ; (z Φ)′ = Φ + z φ
    from scipy.special import ndtr

    below = ndtr(z)
    return z * below, below + z * np.exp(-0.5 * z * z) / np.sqrt(2.0 * pi)


def _relu(z: Floats) -> tuple[Floats, Floats]:
    return np.maximum(z, 0.0), (z > 0.0).astype(np.float64)


def _sin(z: Floats) -> tuple[Floats, Floats]:
    from rfp_md.random_features.sincos import sincos

    return sincos(z)


def _cos(z: Floats) -> tuple[Floats, Floats]:
    from rfp_md.random_features.sincos import sincos

    sine, cosine = sincos(z)
    return cosine, np.negative(sine, out=sine)


# tanh: Bolager et al., "Sampling weights of deep neural networks" (NeurIPS 2023), and thesis section 2.5.1;
# neither says anything about sin and cos, whose spans here cover the steepest quarter of a period, nor about identity.
ACTIVATIONS = {
    "identity": Activation(_identity, smooth=True, alpha=1.0, beta=0.0, span=(0.0, 1.0)),
    "tanh": Activation(_tanh, smooth=True, alpha=2 * log(1.5), beta=log(1.5), span=(-log(3) / 2, log(3) / 2)),
    "gelu": Activation(_gelu, smooth=True, alpha=1.0, beta=0.0, span=(0.0, 1.0)),
    "relu": Activation(_relu, smooth=False, alpha=1.0, beta=0.0, span=(0.0, 1.0)),
    "sin": Activation(_sin, smooth=True, alpha=1.0, beta=0.0, span=(-pi / 4, pi / 4)),
    "cos": Activation(_cos, smooth=True, alpha=1.0, beta=0.0, span=(pi / 4, 3 * pi / 4)),
}
