"""The thesis's figures beside ours."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

from rfp_md.errors import UserError
from rfp_md.thesis.run import parse_results

COLUMNS = ("table", "molecule", "model", "descriptor", "test frames", "protocol", "MAE of")
HEADER = (*COLUMNS, "thesis", "ours", "ours/thesis", "labels, or which test frames")
UNITS = {"energy": "energy kcal/mol", "force": "force kcal/mol/Å"}


def load_results(path: str | Path) -> list[dict[str, Any]]:
    """Rows of a file that ``rfp thesis run`` wrote. Raises UserError where it is none."""
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: no such file; 'rfp thesis run TABLE… -o {path}' writes it")
    whole = path.read_bytes()
    results = parse_results(path, whole[: whole.rfind(b"\n") + 1] or whole)  # a killed run leaves a cut line
    if not results:
        raise UserError(f"{path}: has no results; 'rfp thesis run TABLE… -o {path}' writes them")
    return results


def compare(results: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    """Put the thesis's errors beside ours: two lines for each row, energy and force MAE.

    Transformed rows have two more, as the thesis did it, and rows of the leaking draw two more for the test frames that
    repeat training frames and two for the others.
    """
    lines: list[tuple[str, ...]] = []
    for row in results:
        versions = [("", "")]
        if "new_force_mae" in row:
            versions += [("repeated_", "repeat training frames"), ("new_", "are new")]
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
                        row["protocol"],
                        unit,
                        f"{thesis:.4g}",
                        f"{ours:.4g}",
                        f"{ours / thesis:.3g}",
                        version,
                    )
                )
    return lines


def as_csv(lines: list[tuple[str, ...]]) -> str:
    """The lines of ``compare`` as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([HEADER, *lines])
    return text.getvalue()


def as_markdown(lines: list[tuple[str, ...]]) -> str:
    """The lines of ``compare`` as a table in Markdown."""
    rows = [HEADER, tuple("---" for _ in HEADER), *lines]
    return "".join("| " + " | ".join(row) + " |\n" for row in rows)
