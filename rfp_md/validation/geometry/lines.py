"""What the command line says of the geometry below its figures."""

from __future__ import annotations

from typing import Any


def lines(found: dict[str, Any]) -> list[str]:
    """The scan of a record beside its reference, if there was one."""
    scan = found.get("scan")
    if not scan:
        return []
    barrier, reference, error = (_value(scan[f"{key}_ev"]) for key in ("barrier", "reference_barrier", "max_error"))
    return [f"scan: barrier {barrier} eV, reference {reference} eV, largest error {error} eV (not judged)"]


def _value(value: float | None) -> str:
    """Three digits, or that it was no number."""
    return "no number" if value is None else f"{value:.3g}"
