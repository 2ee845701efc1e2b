"""The JSON of a ``.rfp`` file."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

FORMAT_VERSION = 2
Arrays = dict[str, NDArray[Any]]


class Entry(BaseModel):
    """One plugin of a model: what is needed to make it again."""

    name: str
    package: str
    version: str
    parameters: dict[str, Any]


class Header(BaseModel):
    """The JSON of a model, as the present version of the format has it.

    Attributes:
        stored_version: which version the file has; what is read has been brought forward.
    """

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    format_version: int
    rfp_md: str
    units: dict[str, str]
    fixed_composition: bool
    numbers: list[int] = Field(min_length=1)
    formula: str
    pbc: tuple[bool, bool, bool]
    elements: list[int] = Field(min_length=1)
    baselines: list[Entry]
    terms: list[Entry] = Field(min_length=1)
    regressor: Entry
    force_regressor: Entry | None = None
    record: dict[str, Any]
    _stored_version: int = PrivateAttr(FORMAT_VERSION)

    @property
    def stored_version(self) -> int:
        """The version of the format that the file itself has."""
        return self._stored_version


def element_energies(header: Header, arrays: Arrays) -> dict[int, float]:
    """The reference energy of each element, eV, of a model with the baseline ``elements``; else nothing."""
    for k, entry in enumerate(header.baselines):
        if entry.name == "elements":
            numbers, energies = arrays[f"baselines.{k}.elements"], arrays[f"baselines.{k}.energies"]
            return dict(zip(numbers.tolist(), energies.tolist(), strict=True))
    return {}


def package_version() -> str:
    """The version of rfp-md that is installed."""
    from importlib.metadata import version

    return version("rfp-md")
