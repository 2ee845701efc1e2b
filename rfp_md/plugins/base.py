"""What a plugin is: parameters, validated and frozen, with the arrays that a fit adds to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, PrivateAttr

from rfp_md.plugins.arrays import Array, Surroundings

Kind = Literal["descriptor", "regressor", "baseline"]
ENTRY_POINTS: dict[Kind, str] = {
    "descriptor": "rfp_md.descriptors",
    "regressor": "rfp_md.regressors",
    "baseline": "rfp_md.baselines",
}


class Plugin(BaseModel):
    """Parameters, validated and frozen, with the arrays that a fit adds to them.

    A subclass's docstring is its documentation: the equation and its source.

    Attributes:
        name: the name of its entry point.
        kind: descriptor, regressor or baseline.
        compatible_since: the oldest version of its package whose models this one computes alike; without
            it, a model is read by the version that made it only.
        state: learned arrays by name, float64 or int64; they are what the artifact stores.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: ClassVar[str]
    kind: ClassVar[Kind]
    compatible_since: ClassVar[str | None] = None
    _state: dict[str, NDArray[Any]] = PrivateAttr(default_factory=dict)

    @property
    def state(self) -> dict[str, NDArray[Any]]:
        """What a fit learned: fill it with ``self.state[name] = array``, float64 or int64."""
        return self._state

    def __setattr__(self, name: str, value: Any) -> None:
        if name in type(self).__private_attributes__:
            super().__setattr__(name, value)
            return
        raise AttributeError(f"a plugin's attributes are frozen; keep what it learns in self.state['{name}']")

    def arrays(self, model: Surroundings) -> Mapping[str, Array] | None:
        """What ``state`` is like after a fit; whoever reads a model's file relies on it. None: nobody knows.

        A plugin whose arrays reach compiled code, or take part in sums without a check of their own, declares them.
        """
        return None

    def restore(self, state: dict[str, NDArray[Any]]) -> Self:
        """Take back the arrays of a fitted plugin; subclasses check first what ``arrays`` cannot say, by ValueError."""
        self._state.clear()
        self._state.update(state)
        return self
