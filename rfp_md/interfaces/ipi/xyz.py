"""i-PI's own xyz: a cell and units in the comment line, as in its trajectories.

12
# CELL(abcABC): 10.0 10.0 10.0 90.0 90.0 90.0  positions{angstrom}  cell{angstrom}
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from ase.units import Bohr

from rfp_md.arrays import Floats
from rfp_md.errors import UserError
from rfp_md.frames import Frames

CELL = re.compile(r"CELL[(\[{](abcABC|H|GENH)[)\]}]:((?:\s+[-+0-9.eE]+)+)")
UNIT = re.compile(r"(\w+)\{(\w*)\}")
POSITIONS = ("positions", "x_centroid")
UNITS = {"angstrom": 1.0, "atomic_unit": Bohr, "bohr": Bohr}


def comment_of(path: str | Path) -> str | None:
    """Get the second line of a file in i-PI's xyz; None of any other file, or of none."""
    try:
        with Path(path).open(encoding="utf-8", errors="replace") as file:
            first, second = file.readline(200), file.readline(2000)
    except OSError:
        return None
    return second if first.strip().isdigit() and CELL.search(second) else None


def read_ipi_xyz(path: str | Path, comment: str, *, periodic: bool) -> Frames:
    """Read the first structure.

    Args:
        comment: its second line.
        periodic: whether it repeats along the cell, which i-PI's files do not say: they always have one.

    Raises:
        UserError: units that are missing or unknown, other numbers than positions, or lines that are no atoms.
    """
    from ase.data import atomic_numbers

    length, cell_length = _units(path, comment)
    n_atoms, rows = _rows(path)
    try:
        numbers = np.array([atomic_numbers[row[0]] for row in rows])
        positions = np.array([row[1:4] for row in rows], dtype=np.float64).reshape(n_atoms, 3) * length
    except (KeyError, ValueError, IndexError) as error:
        raise UserError(f"{path}: has a line that is no atom with three coordinates ({error})") from error
    cell, turn = _cell(path, comment)
    return Frames(
        numbers,
        (positions @ turn)[None],
        cells=cell[None] * cell_length if periodic else None,
        pbc=(periodic, periodic, periodic),
        source=str(path),
    )


def _units(path: str | Path, comment: str) -> tuple[float, float]:
    """Å for the file's unit of positions, and of the cell."""
    said = dict(UNIT.findall(comment))
    what = [name for name in said if name != "cell"]
    found = [said[name] for name in what if name in POSITIONS] + [said[name] for name in ("cell",) if name in said]
    if len(found) < 2 or len(what) != 1 or any(unit not in UNITS for unit in found):
        raise UserError(
            f"{path}: this is i-PI's xyz, whose second line must say the units of positions and cell; write there "
            f"positions{{angstrom}} cell{{angstrom}} (or atomic_unit); it has '{' '.join(comment.split())[:200]}'"
        )
    return UNITS[found[0]], UNITS[found[1]]


def _rows(path: str | Path) -> tuple[int, list[list[str]]]:
    with Path(path).open(encoding="utf-8", errors="replace") as file:
        n_atoms = int(file.readline())
        file.readline()
        rows = [line.split() for line, _ in zip(file, range(n_atoms), strict=False)]
    if len(rows) < n_atoms or n_atoms == 0:
        raise UserError(f"{path}: announces {n_atoms} atoms, but has {len(rows)}")
    return n_atoms, rows


def _cell(path: str | Path, comment: str) -> tuple[Floats, Floats]:
    """The lattice vectors as rows (3, 3) in i-PI's orientation, and what turns positions (N, 3) into it."""
    from ase.geometry import cell_to_cellpar, cellpar_to_cell

    kind, text = CELL.findall(comment)[0]
    numbers = np.array(text.split()[: 6 if kind == "abcABC" else 9], dtype=np.float64)
    if len(numbers) != (6 if kind == "abcABC" else 9):
        raise UserError(f"{path}: its cell of kind {kind} has {len(numbers)} numbers")
    if kind == "abcABC":
        cell, turn = np.asarray(cellpar_to_cell(numbers)), np.eye(3)
    elif kind == "H":
        cell, turn = numbers.reshape(3, 3).T, np.eye(3)
    else:
        general = numbers.reshape(3, 3).T
        cell = np.asarray(cellpar_to_cell(cell_to_cellpar(general)))
        turn = np.linalg.inv(general) @ cell
    return cell, turn
