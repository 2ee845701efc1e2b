"""What a check started from, as its record has it: the model's own structure, or one that --structure gave."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from rfp_md.frames import Frames, formula


def as_record(reference: Frames) -> dict[str, Any]:
    """Record what a page needs to draw and number what was found: atoms and cell, and the file where one gave them."""
    from rfp_md.artifact.assembly import OWN_REFERENCE

    return {
        "numbers": reference.numbers.tolist(),
        "cell": None if reference.cells is None else reference.cells[0].tolist(),
        "pbc": [bool(axis) for axis in reference.pbc],
        "file": None if reference.source == OWN_REFERENCE else reference.source,
    }


def from_record(found: Mapping[str, Any], reference: Frames) -> Frames | None:
    """Rebuild the atoms and the cell that the places in a check's record are those of; positions say nothing.

    Args:
        found: the record of a check.
        reference: the model's own structure, of records that do not say what they started from.

    Returns:
        one structure, or None where the record is of other atoms that it does not tell.
    """
    start = found.get("start")
    if start is None:
        known = found.get("structure") in (None, formula(reference.numbers))
        return reference[:1] if known else None
    numbers = np.array(start["numbers"], dtype=np.int64)
    cells = None if start["cell"] is None else np.array([start["cell"]], dtype=np.float64)
    return Frames(numbers, np.zeros((1, len(numbers), 3)), cells=cells, pbc=tuple(start["pbc"]))


def bond_name(bond: list[int], start: Frames | None) -> str:
    """Name a bond C0–C1, by the places of its atoms; 0–1 where nobody knows which they are."""
    from ase.data import chemical_symbols

    return "–".join(str(k) if start is None else f"{chemical_symbols[start.numbers[k]]}{k}" for k in bond)


def where_from(found: Mapping[str, Any]) -> str:
    """Say in words which structure a check started from."""
    file = (found.get("start") or {}).get("file")
    return "a training structure" if file is None else f"the last frame of {file}, {found['structure']}"
