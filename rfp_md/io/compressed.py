"""Files that may be compressed: opened as text, and bounded before anything reads them."""

from __future__ import annotations

import bz2
import gzip
import lzma
from pathlib import Path
from typing import Any, TextIO

from rfp_md.errors import UserError

OPENERS: dict[str, Any] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
# Numbers as text become five times smaller, and zeros a thousand times: what unpacks to more is no data.
RATIO = 100
ALWAYS = 64 * 2**20  # bytes that any file may unpack to
CHUNK = 2**20


def most_unpacked(path: Path) -> int:
    """How many bytes a compressed file may unpack to."""
    return ALWAYS + RATIO * path.stat().st_size


def check_unpacked(path: Path) -> None:
    """Refuse a compressed file that unpacks to more than data do, before it is read. Raises UserError."""
    if path.suffix not in OPENERS:
        return
    left = most_unpacked(path)
    with OPENERS[path.suffix](path, "rb") as file:
        while chunk := file.read(CHUNK):
            left -= len(chunk)
            if left < 0:
                raise UserError(f"{path}: unpacks to {RATIO} times its size and more; unpack it and look at it")


def open_text(path: Path) -> TextIO:
    """Open a text file, compressed or not, of any line endings."""
    opener = OPENERS.get(path.suffix, open)
    file: TextIO = opener(path, "rt", encoding="utf-8-sig")
    return file
