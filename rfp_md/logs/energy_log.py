"""What the readers of all engines' logs have in common: the energies, and the refusal of what has none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rfp_md.arrays import Floats
from rfp_md.errors import UserError

FEWEST_SAMPLES = 10


@dataclass(frozen=True, eq=False)
class EnergyLog:
    """What a file says about one run.

    Attributes:
        times: ps (T,).
        conserved: eV (T,), of the system, or of an atom where ``per_atom``.
        kinetic: eV (T,), likewise; NaN where the file has none.
        format: who wrote the file.
        column: what ``conserved`` is called there.
        n_atoms: None where the file does not say.
        warning: why ``conserved`` is not, where the file says so.
    """

    times: Floats
    conserved: Floats
    kinetic: Floats
    format: str
    column: str
    n_atoms: int | None = None
    per_atom: bool = False
    warning: str | None = None


def choose(
    path: Path, names: Sequence[str], energies: Sequence[str], asked: str | None, preferred: Sequence[str]
) -> str:
    """Choose the column of the conserved energy. Raises UserError where there is none of that name, or no energy.

    Args:
        names: of all columns.
        energies: those of them that may be energies.
    """
    wanted = preferred if asked is None else [asked]
    for name in wanted:
        if name in energies:
            return name
    remedy = f"choose one of {', '.join(energies)} with --column" if energies else "none of its columns is an energy"
    if asked in names:
        raise UserError(f"{path}: {asked} is no energy; {remedy}")
    raise UserError(f"{path}: has no column {' or '.join(wanted)}; {remedy}")


def refuse(path: Path, why: str, **flags: object) -> None:
    """Raise UserError for a flag that was given although the file says itself what it would say."""
    for name, value in flags.items():
        if value is not None:
            raise UserError(f"{path}: {why}; leave --{name} out")


def table(lines: Sequence[str], columns: int) -> Floats:
    """Read the lines that have so many numbers and nothing else, (T, C)."""
    rows = [row for line in lines if (row := numbers(line, columns)) is not None]
    return np.array(rows, dtype=np.float64).reshape(-1, columns)


def numbers(line: str, columns: int) -> list[float] | None:
    """Read a line of so many numbers; None for anything else."""
    words = line.split()
    if len(words) != columns:
        return None
    try:
        return [float(word) for word in words]
    except ValueError:
        return None
