"""Files inside files: the baseline ``potential`` keeps another model's file, byte by byte, as whole numbers.

Eight bytes are a number; the first is the size of the file, and zeros fill the last one.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from rfp_md.arrays import Ints
from rfp_md.artifact.container import parse
from rfp_md.artifact.header import Arrays, Header
from rfp_md.errors import UserError

STACKED = "potential"  # the name of the baseline
MOST_LEVELS = 5  # of models inside each other, the outermost included


def packed(content: bytes) -> Ints:
    """The bytes of a file, and its size before them, as whole numbers (n,)."""
    sized = len(content).to_bytes(8, "little") + content
    return np.frombuffer(sized + bytes(-len(sized) % 8), dtype="<i8").astype(np.int64)


def unpacked(numbers: Ints) -> bytes:
    """The bytes that were packed. Raises ValueError for numbers that hold no file."""
    content = numbers.astype("<i8").tobytes()
    size = int.from_bytes(content[:8], "little")
    if not size <= len(content) - 8 < size + 8:
        raise ValueError("file has another size than it says")
    return content[8 : 8 + size]


def inner_models(header: Header, arrays: Arrays, source: str) -> Iterator[tuple[int, Header, Arrays]]:
    """The models that a model is stacked on, read as its own file was: number of the baseline, header, arrays.

    Raises:
        UserError: what is kept is not a model, or damaged.
    """
    for k, entry in enumerate(header.baselines):
        if entry.name == STACKED:
            try:
                content = unpacked(arrays[f"baselines.{k}.file"])
            except (KeyError, ValueError) as error:
                raise UserError(f"{source}: is not a valid rfp model (baseline {k}: {error})") from error
            yield k, *parse(content, f"{source}, baseline {k}")


def sum_of(header: Header, arrays: Arrays, source: str) -> str:
    """What a model is a sum of, in words: names of baselines and terms, those of inner models in brackets."""
    names = [entry.name for entry in (*header.baselines, *header.terms)]
    for k, of_inner, arrays_of_inner in inner_models(header, arrays, source):
        names[k] = f"({sum_of(of_inner, arrays_of_inner, source)})"
    return " + ".join(names)


def check_levels(header: Header, arrays: Arrays, source: str, levels: int = 1) -> None:
    """Raise UserError for a stack that is too high, before anything of it is made."""
    if levels > MOST_LEVELS:
        raise UserError(f"{source}: more than {MOST_LEVELS} models are stacked; fit one to the sum of some of them")
    for k, of_inner, arrays_of_inner in inner_models(header, arrays, source):
        check_levels(of_inner, arrays_of_inner, f"{source}, baseline {k}", levels + 1)
