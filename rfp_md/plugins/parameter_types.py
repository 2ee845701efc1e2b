"""Types of parameters that several plugins take."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field


def _numbers(value: Any) -> Any:
    """Several numbers from a text such as 1.0/1.5, as the command line writes them; one number as a tuple."""
    if isinstance(value, str):
        return tuple(value.split("/"))
    return (value,) if isinstance(value, int | float) else value


def check_unused(plugin: BaseModel, names: Iterable[str], where: str) -> None:
    """Raise ValueError for a parameter that has no effect and is not its default; a model's file lists the defaults."""
    for name in names:
        if getattr(plugin, name) != type(plugin).model_fields[name].default:
            raise ValueError(f"{name} has no effect {where}; leave it out")


Finite = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Numbers = Annotated[tuple[Positive, ...], BeforeValidator(_numbers), Field(min_length=1)]
