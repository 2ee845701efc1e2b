"""Types of parameters that several plugins take."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field


def _numbers(value: Any) -> Any:
    """On the command line several numbers are written as in 1.0/1.5."""
    if isinstance(value, str):
        return tuple(value.split("/"))
    return (value,) if isinstance(value, int | float) else value


Finite = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Numbers = Annotated[tuple[Positive, ...], BeforeValidator(_numbers), Field(min_length=1)]
