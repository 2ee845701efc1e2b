"""Activations: z ↦ (σ(z), σ′(z)), for the arrays of whichever library ``special`` belongs to.

``special`` is ``scipy.special`` or ``torch.special``, which call their functions alike.
"""

from __future__ import annotations

from collections.abc import Callable
from math import log, pi, sqrt
from typing import Any

Activation = Callable[[Any, Any], tuple[Any, Any]]


def _tanh(z: Any, special: Any) -> tuple[Any, Any]:
    value = 2 * special.expit(2 * z) - 1
    return value, 1 - value * value


def _silu(z: Any, special: Any) -> tuple[Any, Any]:
    # z s(z) with the logistic function s, whose derivative is s (1 − s)
    gate = special.expit(z)
    return z * gate, gate * (1 + z * (1 - gate))


def _gelu(z: Any, special: Any) -> tuple[Any, Any]:
    # z Φ(z) with the normal distribution Φ, whose derivative is exp(−z²/2) / √2π
    below = special.ndtr(z)
    return z * below, below + z * special.exp2(-z * z / (2 * log(2))) / sqrt(2 * pi)


ACTIVATIONS: dict[str, Activation] = {"tanh": _tanh, "silu": _silu, "gelu": _gelu}
