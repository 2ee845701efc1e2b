"""A plugin as a model's file brings it back."""

from __future__ import annotations

import json
from typing import TypeVar

import numpy as np

from rfp_md.plugins.arrays import Surroundings
from rfp_md.plugins.base import Plugin
from rfp_md.plugins.guard import restored
from rfp_md.testing.outcomes import fail

P = TypeVar("P", bound=Plugin)


def made_again(plugin: P, model: Surroundings) -> P:
    """The same plugin of its parameters and its state, which must be what it declares."""
    parameters = json.loads(json.dumps(plugin.model_dump(mode="json")))
    state = {name: np.array(array) for name, array in plugin.state.items()}
    try:
        return restored(type(plugin)(**parameters), state, model)
    except ValueError as error:
        fail(f"its state after a fit is not what arrays() declares, or restore() refuses it: {error}")
