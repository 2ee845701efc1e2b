"""The thesis's figures beside ours."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

from rfp_md.errors import UserError

HEADER = (
    "table",
    "molecule",
    "model",
    "descriptor",
    "test frames",
    "quantity",
    "thesis",
    "ours",
    "ours/thesis",
    "note",
)
UNITS = {"energy": "energy kcal/mol", "force": "force kcal/mol/Å"}


def load_results(path: str | Path) -> list[dict[str, Any]]:
    """Rows of a file that ``rfp thesis run`` wrote. Raises UserError where it is none."""
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: no such file; 'rfp thesis run TABLE… -o {path}' writes it")
    try:
        results = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        if not all(isinstance(row, dict) and "thesis_energy_mae" in row for row in results):
            raise ValueError("a line is no result")
    except ValueError as error:
        raise UserError(f"{path}: is no file of 'rfp thesis run' ({error})") from error
    return results


def compare(results: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    """Two lines for each row, energy and force MAE; transformed rows have two more, as the thesis did it."""
    lines: list[tuple[str, ...]] = []
    for row in results:
        versions = [("", "")]
        if row["transformation"] != "none":
            versions = [("", "as physics demands"), ("as_thesis_", "as the thesis did it")]
        for prefix, version in versions:
            for quantity, unit in UNITS.items():
                thesis, ours = row[f"thesis_{quantity}_mae"], row[f"{prefix}{quantity}_mae"]
                lines.append(
                    (
                        row["table"],
                        row["molecule"],
                        row["model"],
                        row["descriptor"],
                        row["transformation"],
                        unit,
                        f"{thesis:.4g}",
                        f"{ours:.4g}",
                        f"{ours / thesis:.3g}",
                        version,
                    )
                )
    return lines


def as_csv(lines: list[tuple[str, ...]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([HEADER, *lines])
    return text.getvalue()


def as_markdown(lines: list[tuple[str, ...]]) -> str:
    rows = [HEADER, tuple("---" for _ in HEADER), *lines]
    return "".join("| " + " | ".join(row) + " |\n" for row in rows)
