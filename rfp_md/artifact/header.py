"""The JSON of a ``.rfp`` file."""

from __future__ import annotations

from typing import Annotated, Any, Self

from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, JsonValue, PrivateAttr, field_validator, model_validator

from rfp_md.artifact.record import Record
from rfp_md.frames import formula

FORMAT_VERSION = 3
UNITS = {"energy": "eV", "length": "angstrom", "force": "eV/angstrom"}
MOST_PARTS = 100  # terms, or baselines
Arrays = dict[str, NDArray[Any]]
Element = Annotated[int, Field(ge=1, le=118)]


class Entry(BaseModel):
    """One plugin of a model: what is needed to make it again."""

    name: str = Field(max_length=200)
    package: str = Field(max_length=200)
    version: str = Field(max_length=200)
    parameters: dict[str, JsonValue]


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
    numbers: list[Element] = Field(min_length=1)
    formula: str
    pbc: tuple[bool, bool, bool]
    elements: list[Element] = Field(min_length=1)
    baselines: list[Entry] = Field(max_length=MOST_PARTS)
    terms: list[Entry] = Field(min_length=1, max_length=MOST_PARTS)
    regressor: Entry
    force_regressor: Entry | None = None
    record: dict[str, Any]
    _stored_version: int = PrivateAttr(FORMAT_VERSION)

    @field_validator("units")
    @classmethod
    def _ours(cls, units: dict[str, str]) -> dict[str, str]:
        if units != UNITS:
            raise ValueError(f"a model is in {', '.join(UNITS.values())}")
        return units

    @field_validator("record")
    @classmethod
    def _typed(cls, record: dict[str, Any]) -> dict[str, Any]:
        Record.model_validate(record)
        return record

    @model_validator(mode="after")
    def _elements_are_those_of_the_atoms(self) -> Self:
        if self.elements != sorted(set(self.elements)):
            raise ValueError("elements are not ascending, each once")
        if not set(self.numbers) <= set(self.elements):
            raise ValueError("numbers has an element that elements has not")
        if self.formula != formula(self.numbers):
            raise ValueError("formula is not that of numbers")
        return self

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
