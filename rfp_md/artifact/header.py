"""The JSON of a ``.rfp`` file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rfp_md.errors import UserError

FORMAT_VERSION = 1
Arrays = dict[str, NDArray[Any]]


class Entry(BaseModel):
    """One plugin of a model."""

    name: str
    package: str
    version: str
    parameters: dict[str, Any]


class Header(BaseModel):
    """The JSON."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    format_version: int
    rfp_md: str
    units: dict[str, str]
    fixed_composition: bool
    numbers: list[int] = Field(min_length=1)
    formula: str
    pbc: tuple[bool, bool, bool]
    baseline_ev: dict[str, float]
    terms: list[Entry] = Field(min_length=1)
    regressor: Entry
    force_regressor: Entry | None = None
    record: dict[str, Any]


def parse_header(path: Path, text: str) -> Header:
    try:
        values = json.loads(text)
        version = values["format_version"]
    except (ValueError, TypeError, KeyError) as error:
        raise UserError(f"{path}: is not a valid rfp model (its header is {type(error).__name__})") from error
    if version != FORMAT_VERSION:
        raise UserError(
            f"{path}: has format version {version}, but rfp-md {package_version()} reads version {FORMAT_VERSION}; "
            "upgrade with 'pip install -U rfp-md', or train it again"
        )
    try:
        return Header.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise UserError(f"{path}: is not a valid rfp model ({key}: {first['msg']})") from error


def package_version() -> str:
    from importlib.metadata import version

    return version("rfp-md")
