"""Extended XYZ: one frame after another, each with the number of its atoms, a line of key=value, and a line an atom.

ASE's reader ends at the first blank line and takes what comes for granted; here everything in the file is a frame or
an error that names its line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from itertools import islice
from pathlib import Path

import numpy as np

from rfp_md.arrays import Floats, Ints
from rfp_md.errors import UserError
from rfp_md.io.compressed import open_text
from rfp_md.io.image import HEAVIEST, IONS, USUAL, Image, Pbc, make_image, numbers_of
from rfp_md.io.keys import Keys

COUNT = re.compile(r"\s*(\d{1,9})\s*")  # no file has a milliard of lines in memory
KEY = re.compile(r"[\s=]*([^\s=]+)\s*(=?)\s*")
WORD = re.compile(r"\S*")
CLOSING = {'"': '"', "'": "'", "{": "}", "[": "]"}
IPI = re.compile(r"\s*#\s*CELL[({]")
PLAIN = "species:S:1:pos:R:3"
TRUTH = {"t": True, "true": True, "1": True, "f": False, "false": False, "0": False}
MOST_COLUMNS = 10_000

Line = tuple[int, str]


@dataclass(frozen=True)
class Column:
    """Where the numbers of one property stand in the line of an atom."""

    start: int
    stop: int
    type: str

    def of(self, rows: list[list[str]], where: str, name: str) -> Floats:
        """Take its numbers (atoms, columns). Raises UserError for what is no number."""
        try:
            return np.array([row[self.start : self.stop] for row in rows], dtype=np.float64)
        except ValueError as error:
            raise UserError(f"{where}: {name} holds what is no number ({error!s:.80})") from error


def read_extxyz(path: Path, *, stresses: bool, keys: Keys = USUAL) -> list[Image]:
    """Read every frame of an extxyz or xyz file.

    Raises:
        UserError: a line that does not belong, a frame that is not whole, or a label that is none.
    """
    with open_text(path) as file:
        return list(_frames(path, enumerate(file, 1), stresses=stresses, keys=keys))


def _frames(path: Path, lines: Iterator[Line], *, stresses: bool, keys: Keys) -> Iterator[Image]:
    place = 0
    for number, line in lines:
        if not line.strip():
            continue
        where = f"{path}: frame {place}"
        count = COUNT.fullmatch(line)
        if count is None:
            raise UserError(
                f"{path}: line {number} must be the number of atoms of frame {place}, and is {line.strip()!r:.60}; "
                "does the frame before it have as many atoms as it says?"
            )
        atoms = int(count[1])
        comment = next(lines, (0, ""))[1]
        rows = list(islice(lines, atoms))
        if len(rows) < atoms:
            raise UserError(
                f"{where} (line {number}) says that it has {atoms} atoms, but the file ends after {len(rows)} of them; "
                "remove that frame, or copy the file again"
            )
        yield _image(where, comment, rows, stresses=stresses, keys=keys)
        place += 1


def _image(where: str, comment: str, lines: Iterable[Line], *, stresses: bool, keys: Keys) -> Image:
    if IPI.match(comment) and "positions{angstrom}" not in comment:
        raise UserError(f"{where}: is i-PI's own xyz in atomic units, which only templates may be; write extxyz")
    info = comment_of(comment)
    described = info.pop("Properties", None)
    columns = _columns(where, described or PLAIN)
    rows = _rows(where, lines, columns, exact=described is not None)
    position = columns.get("pos") or columns.get("positions")
    if position is None or position.stop - position.start != 3 or position.type == "S":
        raise UserError(f"{where}: Properties must have pos:R:3, and is {described!r:.80}")
    cell, pbc = _cell(where, info)
    image = make_image(
        where,
        _numbers(where, rows, columns),
        position.of(rows, where, "pos"),
        cell,
        pbc,
        info,
        {
            name: column.of(rows, where, name)
            for name, column in columns.items()
            if column.type in "RI" and (column.stop - column.start == 3 or name in IONS) and column is not position
        }
        | {name: [row[columns[name].start] for row in rows] for name in columns if name == "forces_mask"},
        stresses=stresses,
        keys=keys,
    )
    if described is None and min(map(len, rows)) > position.stop:
        return replace(image, unread={**image.unread, "columns": ("columns without a name, from the fifth on",)})
    return image


def comment_of(text: str) -> dict[str, str]:
    """Take the pairs of a comment line apart; a key without a value is T, as for ASE. In one pass, however long."""
    pairs, place = {}, 0
    while key := KEY.match(text, place):
        place = key.end()
        value = "T"
        if key[2]:
            value, place = _value(text, place)
        pairs[key[1]] = value
    return pairs


def _value(text: str, place: int) -> tuple[str, int]:
    """The value that begins here, without its quotes or brackets, and where it ends."""
    closing = CLOSING.get(text[place : place + 1])
    if closing is None:
        word = WORD.match(text, place)
        assert word is not None
        return word[0], word.end()
    end = text.find(closing, place + 1)
    while end > 0 and text[end - 1] == "\\":
        end = text.find(closing, end + 1)
    if end < 0:
        return text[place + 1 :], len(text)
    return re.sub(r"\\(.)", r"\1", text[place + 1 : end]), end + 1


def _columns(where: str, text: str) -> dict[str, Column]:
    columns = _parsed(text)
    if isinstance(columns, str):
        raise UserError(f"{where}: Properties={text:.80} {columns}; write name:type:columns for each, as in {PLAIN}")
    return columns


@lru_cache(maxsize=64)
def _parsed(text: str) -> dict[str, Column] | str:
    """The columns by name, or what is wrong with the description; the frames of a file have the same."""
    words = text.split(":")
    columns: dict[str, Column] = {}
    start = 0
    if len(words) % 3:
        return "does not come in threes"
    for name, kind, count in zip(words[::3], words[1::3], words[2::3], strict=True):
        if kind not in ("R", "I", "S", "L") or not re.fullmatch(r"[1-9]\d{0,3}", count):
            return f"has {name}:{kind}:{count}, which is no type R, I, S or L and a number of columns"
        if name in columns:
            return f"has {name} twice"
        columns[name] = Column(start, start + int(count), kind)
        start += int(count)
    return columns if start <= MOST_COLUMNS else "has too many columns"


def _rows(where: str, lines: Iterable[Line], columns: dict[str, Column], *, exact: bool) -> list[list[str]]:
    """The words of each atom's line: as many as there are columns; a plain xyz file may have more."""
    width = max(column.stop for column in columns.values())
    rows = []
    for number, line in lines:
        row = line.split()
        if len(row) < width or (exact and len(row) > width):
            raise UserError(f"{where}: line {number} has {len(row)} columns instead of {width}: {line.strip()!r:.60}")
        rows.append(row)
    return rows


def _numbers(where: str, rows: list[list[str]], columns: dict[str, Column]) -> Ints:
    """Atomic numbers (N,), from symbols or numbers."""
    column = columns.get("Z") or columns.get("numbers") or columns.get("species") or columns.get("symbols")
    if column is None or column.stop - column.start != 1:
        raise UserError(f"{where}: Properties must have species:S:1 or Z:I:1")
    known = _symbols()
    try:
        return np.array([known[row[column.start].capitalize()] for row in rows], dtype=np.int64)
    except KeyError as error:
        raise UserError(
            f"{where}: {error.args[0]!r:.40} is no element; write symbols, or atomic numbers 1 to {HEAVIEST}"
        ) from error


@cache
def _symbols() -> dict[str, int]:
    from ase.data import chemical_symbols

    named = {symbol: z for z, symbol in enumerate(chemical_symbols) if z}
    return named | {str(z): z for z in named.values()}


def _cell(where: str, info: dict[str, str]) -> tuple[Floats, Pbc]:
    """The lattice vectors as rows, and the directions that repeat: all, unless the frame says otherwise."""
    lattice, said = info.pop("Lattice", None), info.pop("pbc", None)
    cell = np.zeros((3, 3))
    if lattice is not None:
        numbers = numbers_of(lattice)
        if numbers is None or numbers.size != 9:
            raise UserError(f"{where}: Lattice must be nine numbers, and is {lattice!r:.80}")
        cell = numbers.reshape(3, 3)
    words = re.findall(r"[^\s,]+", said or ("T" if lattice is not None else "F"))
    truths = [TRUTH.get(word.lower()) for word in words]
    if None in truths or len(truths) not in (1, 3):
        raise UserError(f"{where}: pbc must be three of T and F, and is {said!r:.40}")
    x, y, z = [bool(truth) for truth in (truths * 3)[:3]]
    return cell, (x, y, z)
