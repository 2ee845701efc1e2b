"""input.data of n2p2 and RuNNer: frames between ``begin`` and ``end``.

    lattice x y z      (three times, or not at all)
    atom x y z symbol charge (unused) fx fy fz
    energy E

The file does not state its units, and both hartree and bohr, and eV and Å are in use: the flags must.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from rfp_md.arrays import Floats
from rfp_md.errors import UserError
from rfp_md.io.image import Image, make_image
from rfp_md.io.keys import Keys

ATOM = 10  # words of the line of an atom
IGNORED = ("comment", "charge")


def is_n2p2(path: Path) -> bool:
    """Whether the first line that is none of a comment is ``begin``."""
    with path.open(errors="replace") as file:
        return next((line.split()[0] for line in file if line.strip() and line[0] != "#"), "") == "begin"


def read_n2p2(path: Path, *, stresses: bool, keys: Keys) -> list[Image]:
    """Read every frame. Raises UserError for a line that does not belong, and a frame that does not end."""
    if keys.named:
        label, key = next(iter(keys.named.items()))
        raise UserError(f"{path}: --{label}-key {key}: input.data has its labels in fixed lines; omit it")
    with path.open() as file:
        return [_image(f"{path}: frame {place}", frame) for place, frame in enumerate(_frames(path, file))]


def _frames(path: Path, lines: Iterator[str]) -> Iterator[list[tuple[int, list[str]]]]:
    """The lines of each frame, with their numbers, in words."""
    frame: list[tuple[int, list[str]]] | None = None
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if words[0] == "begin" and frame is None:
            frame = []
        elif words[0] == "end" and frame is not None:
            yield frame
            frame = None
        elif frame is not None and words[0] != "begin":
            frame.append((number, words))
        else:
            raise UserError(f"{path}: line {number} is {words[0]!r:.40}, where a frame must begin or end")
    if frame is not None:
        raise UserError(f"{path}: the last frame has no end; remove it, or copy the file again")


def _image(where: str, lines: list[tuple[int, list[str]]]) -> Image:
    from ase.data import atomic_numbers

    rows: dict[str, list[Floats]] = {"lattice": [], "atom": [], "energy": []}
    symbols = []
    for number, words in lines:
        if words[0] in IGNORED:
            continue
        if words[0] not in rows or (words[0] == "atom" and len(words) < ATOM):
            raise UserError(f"{where}: line {number} does not belong: {' '.join(words)!r:.60}")
        numbers = [word for k, word in enumerate(words[1:]) if words[0] != "atom" or k != 3]
        try:
            rows[words[0]].append(np.array(numbers, dtype=np.float64))
        except ValueError as error:
            raise UserError(f"{where}: line {number} holds what is no number ({error!s:.60})") from error
        if words[0] == "atom":
            symbols.append(atomic_numbers.get(words[4], 0))
    cell = np.array(rows["lattice"] or np.zeros((3, 3)))
    if cell.shape != (3, 3) or len(rows["energy"]) > 1:
        raise UserError(f"{where}: must have three lattice vectors, or none, and one energy at most")
    atoms = np.array(rows["atom"]).reshape(len(symbols), -1)
    periodic = bool(rows["lattice"])
    info = {"energy": float(rows["energy"][0][0])} if rows["energy"] else {}
    return make_image(
        where,
        np.array(symbols, dtype=np.int64),
        atoms[:, :3],
        cell,
        (periodic, periodic, periodic),
        info,
        {"forces": atoms[:, 5:8]},
    )
