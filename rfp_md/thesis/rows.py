"""The rows of the thesis's tables 3.2 to 3.41, from ``tables.csv``.

The printed figures are the thesis's. Widths, activations, λ, heuristics and projection sizes are not printed in
it: they are the last ones of the author's code (github.com/dynamic-queries/RandomFeaturePotentials.jl, 2ddbfc6), as
read there; a printed figure may come from another setting. Errors are in kcal/mol and kcal/mol/Å.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from importlib.resources import files

from rfp_md.errors import UserError

MOLECULES = ("benzene", "uracil", "paracetamol", "toluene", "ethanol")


@dataclass(frozen=True)
class Setting:
    """How one quantity of a model is learned."""

    width: int
    activation: str
    regularization: float


@dataclass(frozen=True)
class Row:
    """One row of one of the thesis's tables.

    Attributes:
        table: its number as printed; a text, since 3.2 and 3.20 are two tables.
        transformation: what was done to the test frames: none, T (all coordinates + 40 Å), TR (rotation, then
            T), PTR (a permutation of the atoms, then TR).
        errors: as printed.
        pair_multiplicity: candidate pairs for each pair that is kept.
        projection_size: r of the shallow sets.
    """

    table: str
    molecule: str
    model: str
    descriptor: str
    transformation: str
    errors: dict[str, float]
    energy: Setting
    force: Setting
    heuristic: str
    pair_multiplicity: int
    projection_size: int | None
    note: str

    @property
    def conservative(self) -> bool:
        """Whether forces are the energy's gradient, and not a model of their own."""
        return self.model == "conservative"

    def as_dict(self) -> dict[str, object]:
        """The row as a flat dict, with the column names of ``tables.csv``."""
        values = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("errors", "energy", "force")}
        for kind in ("energy", "force"):
            setting: Setting = getattr(self, kind)
            values[f"{kind}_width"] = setting.width
            values[f"{kind}_activation"] = setting.activation
            values[f"{kind}_lambda"] = setting.regularization
        return values | {f"thesis_{name}": value for name, value in self.errors.items()}


ERRORS = ("energy_mae", "energy_rmse", "force_mae", "force_rmse")


@lru_cache(maxsize=1)
def all_rows() -> tuple[Row, ...]:
    """The rows of all tables, read once."""
    with files("rfp_md.thesis").joinpath("tables.csv").open(encoding="utf-8") as file:
        return tuple(_row(values) for values in csv.DictReader(file))


def rows_of_tables(tables: Sequence[str]) -> list[Row]:
    """The rows of these tables, in their order. Raises UserError for a number that is none."""
    known = list(dict.fromkeys(row.table for row in all_rows()))
    for table in tables:
        if table not in known:
            raise UserError(f"the thesis has no table of results {table}; they are {known[0]} to {known[-1]}")
    return [row for table in dict.fromkeys(tables) for row in all_rows() if row.table == table]


def _row(values: dict[str, str]) -> Row:
    energy, force = (
        Setting(int(values[f"{kind}_width"]), values[f"{kind}_activation"], float(values[f"{kind}_lambda"]))
        for kind in ("energy", "force")
    )
    return Row(
        table=values["table"],
        molecule=values["molecule"],
        model=values["model"],
        descriptor=values["descriptor"],
        transformation=values["transformation"],
        errors={name: float(values[name]) for name in ERRORS},
        energy=energy,
        force=force,
        heuristic=values["heuristic"],
        pair_multiplicity=int(values["pair_multiplicity"]),
        projection_size=int(values["projection_size"]) if values["projection_size"] else None,
        note=values["note"],
    )
