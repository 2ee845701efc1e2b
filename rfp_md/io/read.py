"""One reader for every kind of file, chosen by its ending."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rfp_md.errors import UserError
from rfp_md.io.keys import Keys
from rfp_md.io.units import Units

if TYPE_CHECKING:
    from rfp_md.frames import Dataset, Frames

SLICE = re.compile(r"(?P<path>.+)@(?P<start>(?:-?\d{1,18})?):(?P<stop>(?:-?\d{1,18})?)(?::(?P<step>[1-9]\d{0,17}))?")
EXTXYZ = (".extxyz", ".xyz")
SAID = 300  # characters of what a library says

# Beyond these no number is one of a structure, but a marker or damage; squares of them must still be numbers.
LARGEST = {"positions": 1e6, "cells": 1e6, "energies": 1e12, "forces": 1e9, "stresses": 1e9}

Contents = tuple[list["Frames"], list[str]]


def read(
    paths: str | Path | Sequence[str | Path],
    units: Units | None = None,
    *,
    stresses: bool = True,
    keys: Keys | None = None,
) -> Dataset:
    """Read reference frames.

    Args:
        paths: one file or several; ``.npz`` (rMD17, sGDML/MD17 or generic keys), extxyz, a folder of DeePMD's, n2p2's
            ``input.data``, else whatever ASE reads.
            ``FILE@start:stop[:step]`` takes a slice of a file's frames, as in ASE.
        units: what the flags say; needed where the format does not state its units.
        stresses: whether those of the files are taken.
        keys: under which names the labels are, where these are not the usual ones.

    Returns:
        All frames in eV, Å, eV/Å and eV/Å³, one block for each run of frames of the same species; its notes say what
        was chosen where a file leaves a choice.

    Raises:
        UserError: a file is missing, unreadable, empty, of unstated units, or holds bad numbers; a key of no frame.
    """
    from rfp_md.frames import Dataset

    blocks: list[Frames] = []
    notes: list[str] = []
    for path in paths_of(paths):
        of_file, said = _read_one(str(path), units or Units(), keys or Keys(), stresses=stresses)
        blocks += of_file
        notes += said
    return Dataset(tuple(blocks), tuple(dict.fromkeys(notes)))


def paths_of(paths: str | Path | Sequence[str | Path]) -> Sequence[str | Path]:
    """Make a sequence of one path or several."""
    return [paths] if isinstance(paths, str | Path) else paths


def _read_one(name: str, units: Units, keys: Keys, *, stresses: bool) -> Contents:
    import numpy as np

    from rfp_md.frames import Dataset, found_instead

    path, chosen = _find(name)
    reader = _reader(path, keys)
    with _in_one_sentence(path) as told:
        blocks, notes = reader(path, units, stresses)
        flat = [block.stresses is not None and not block.fills_space for block in blocks]
        if any(flat):
            notes.append(f"{path}: stresses in cells without a volume (a lattice vector is zero) are left out")
        blocks = [replace(one, stresses=None) if left else one for one, left in zip(blocks, flat, strict=True)]
        for block in blocks:
            _check_sizes(block)
    notes += told
    if found := found_instead(blocks):
        notes.append(f"{path}: some labels are not read{found}")
    if chosen == slice(None):
        return blocks, notes
    whole = Dataset(tuple(blocks))
    indices = np.arange(len(whole))[chosen]
    if len(indices) == 0:
        raise UserError(f"{name}: takes none of the {len(whole)} frames")
    return list(whole.select(indices).blocks), notes


def _find(name: str) -> tuple[Path, slice]:
    """The file or folder that is there, and which of its frames are meant."""
    from rfp_md.io.deepmd import systems_in

    path, chosen = Path(name), slice(None)
    try:
        if not path.exists() and (match := SLICE.fullmatch(name)):
            path = Path(match["path"])
            chosen = slice(*(int(match[part]) if match[part] else None for part in ("start", "stop", "step")))
        if path.is_dir() and not systems_in(path):
            raise UserError(f"{path}: is a folder, and none of DeePMD's, which has type.raw; name the files in it")
        if path.exists():
            return path, chosen
    except (OSError, ValueError) as error:
        raise UserError(f"{name:.{SAID}}: is no name of a file ({error})") from error
    raise UserError(f"{name}: no such file (a slice of a file is written FILE@start:stop or FILE@start:stop:step)")


def _reader(path: Path, keys: Keys) -> Callable[[Path, Units, bool], Contents]:
    """The reader of a folder, or of a file by its ending."""
    from rfp_md.io.ase_files import read_with_ase
    from rfp_md.io.blocks import CONVENTION, blocks_of, check_keys, notes_of
    from rfp_md.io.compressed import OPENERS, check_unpacked
    from rfp_md.io.deepmd import read_deepmd
    from rfp_md.io.extxyz import read_extxyz
    from rfp_md.io.n2p2 import is_n2p2, read_n2p2
    from rfp_md.io.npz import read_npz

    if path.suffix.lower() == ".npz":
        return lambda path, units, stresses: (read_npz(path, units, keys), [])
    inner = path.with_suffix("") if path.suffix in OPENERS else path
    read_images, convention = read_with_ase, CONVENTION
    if path.is_dir():
        read_images = read_deepmd
    elif inner.suffix.lower() in EXTXYZ:
        read_images = read_extxyz
    elif path.suffix == ".data" and is_n2p2(path):
        read_images, convention = read_n2p2, {}

    def by_images(path: Path, units: Units, stresses: bool) -> Contents:
        check_unpacked(path)
        images = read_images(path, stresses=stresses, keys=keys)
        check_keys(path, images, keys)
        return blocks_of(path, images, units, convention), list(notes_of(path, images))

    return by_images


@contextmanager
def _in_one_sentence(path: Path) -> Iterator[list[str]]:
    """Whatever a library raises while a file is read, of any kind, is one sentence with the file's name.

    Yields:
        a list that has, at the end, what the library warned of, in the same form.
    """
    told: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        try:
            yield told
        except UserError:
            raise
        except Exception as error:
            what = " ".join(f"{type(error).__name__}: {error}".split())[:SAID].removesuffix(": ")
            raise UserError(f"{path}: cannot be read ({what}); is it whole, and what its name says?") from error
    told += dict.fromkeys(f"{path}: {' '.join(str(warning.message).split())[:SAID]}" for warning in caught)


def _check_sizes(frames: Frames) -> None:
    """Refuse numbers that are finite, but none of a structure."""
    import numpy as np

    for name, largest in LARGEST.items():
        array = getattr(frames, name)
        if array is not None and (np.abs(array) > largest).any():
            where = np.argwhere(np.abs(array) > largest)[0]
            raise UserError(
                f"{frames.source}: {name} has {array[tuple(where)]:.3g} in {frames.name(where[0])}, which is no such "
                "number; remove that frame or correct it"
            )
