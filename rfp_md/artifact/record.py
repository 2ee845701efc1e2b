"""How a model was made and what was found of it: the record in its file, section by section.

Every section may be missing: a potential that was made in Python has none. What ``fit`` says is the regressor's own,
and what a check of ``rfp validate`` found is the check's own beside what all of them have (``validation/record.py``).
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, field_validator, model_validator

Count = int
VERDICT = Literal["pass", "pass with warnings", "fail"]


class Section(BaseModel):
    """A part of the record, of exactly these types; other keys may stand beside."""

    model_config = ConfigDict(extra="allow", strict=True, allow_inf_nan=False)


class Data(Section):
    """The training data."""

    files: str
    sha256: str
    frames: Count = Field(ge=0)
    one_composition: bool


class Leaks(Section):
    """How many validation frames are known from the training."""

    leaks: bool
    exact: Count
    near: Count
    adjacent: Count | None
    median_nearest_angstrom: float | None
    summary: str


class Label(Section):
    """One thing that was wrong with the labels of the training data."""

    name: str
    value: float
    text: str


class Split(Section):
    """How training and validation frames were chosen."""

    kind: str
    seed: int
    n_train: Count
    n_valid: Count


class Point(Section):
    """One fit of a learning curve."""

    n_train: Count
    width: Count | None
    valid_energy_mae_mev: float | None
    valid_force_mae_mev_per_angstrom: float | None


class LearningCurve(Section):
    """Errors on the same validation frames by the number of training frames."""

    n_valid: Count
    points: list[Point] = Field(min_length=1)


class Judged(Section):
    """One figure against its limits."""

    figure: str
    value: float | None
    strict: str
    default: str
    verdict: VERDICT


class Start(Section):
    """The structure that a check started from."""

    numbers: list[int]
    cell: list[list[float]] | None
    pbc: list[bool] = Field(min_length=3, max_length=3)
    file: str | None

    @field_validator("numbers")
    @classmethod
    def _elements(cls, numbers: list[int]) -> list[int]:
        if not numbers or not all(1 <= number <= 118 for number in numbers):
            raise ValueError("these are no atomic numbers")
        return numbers

    @field_validator("cell")
    @classmethod
    def _vectors(cls, cell: list[list[float]] | None) -> list[list[float]] | None:
        if cell is not None and [len(vector) for vector in cell] != [3, 3, 3]:
            raise ValueError("a cell is three vectors")
        return cell


class Found(Section):
    """What every check says."""

    passed: bool
    verdict: VERDICT
    judged: list[Judged]
    quick: bool
    start: Start | None = None
    structure: str | None = None


class Validation(Section):
    """What was found of a model so far."""

    verdict: VERDICT
    checks: dict[str, Found]


class Tried(Section):
    """A small fit, by which a descriptor was chosen."""

    descriptor: str
    valid_score: float
    valid_energy_mae_ev: float | None
    valid_force_mae_ev_per_angstrom: float | None


class LowLevel(Section):
    """Frames of another level that a model was fitted to besides."""

    files: str
    frames: Count = Field(ge=0)


class Record(Section):
    """All of it."""

    target: Literal["conservative", "direct"] | None = None
    data: Data | None = None
    leakage: Leaks | None = None
    labels: list[Label] | None = None
    split: Split | None = None
    widths: list[Count | None] | None = None
    weights: dict[str, list[float]] | None = None
    combinations: list[list[int]] | None = None
    atom_energies: Literal["given", "isolated atoms", "least squares"] | None = None
    search: list[Tried] | None = None
    low_level: LowLevel | None = None
    label_counts: dict[str, list[Count]] | None = None
    fit: dict[str, JsonValue] | None = None
    learning_curve: LearningCurve | None = None
    validation: Validation | None = None

    @model_validator(mode="before")
    @classmethod
    def _a_section_is_there_or_not(cls, record: Any) -> Any:
        if isinstance(record, dict):
            for name in cls.model_fields:
                if name in record and record[name] is None:
                    raise ValueError(f"{name} is nothing; leave it out")
        return record

    @field_validator("fit")
    @classmethod
    def _errors_are_numbers(cls, fit: dict[str, Any]) -> dict[str, Any]:
        for name, value in fit.items():
            of_errors = "valid_" in name and "mae" in name
            if of_errors and value is not None and not (isinstance(value, int | float) and not isinstance(value, bool)):
                raise ValueError(f"{name} is no number")
        return fit
