"""Files of frames: damaged ones, and crafted ones in which every part may be odd."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path
from random import Random

import numpy as np

from tests.fuzz.trial import Case

NUMBERS = ["0", "1.5", "-2", "1e-300", "1e200", "nan", "inf", "-0", "x", "", "1,2", "9" * 400, "1.0D-3", "T", "é"]
COUNTS = ["0", "1", "2", "3", "-1", "1000000000", "9" * 5000, "2.0", "", "  2  ", "0x2", "²"]
KEYS = [
    "energy",
    "free_energy",
    "stress",
    "virial",
    "Lattice",
    "pbc",
    "step",
    "config_type",
    "energy_unit",
    "force_unit",
    "stress_unit",
    "length_unit",
    "Properties",
    "REF_energy",
    "x" * 300,
    "$a{b}",
]
VALUES = [
    *NUMBERS,
    '"1 0 0 0 1 0 0 0 1"',
    '"1 2 3 4 5 6"',
    "eV",
    "GPa",
    "hartree/bohr",
    '"T T F"',
    "species:S:1:pos:R:3",
    "species:S:1:pos:R:3:forces:R:3:stress:R:9",
    "pos:R:3:Z:I:1",
    "a:R:99999999",
    '"_JSON ' + "[" * 3000 + '"',
    "_JSON",
    "{",
    '"',
    "'" * 9,
    "\\",
]
SHAPES = [(), (0,), (2,), (2, 1), (2, 3), (3, 2), (4, 2, 3), (4, 2), (4,), (4, 3, 2), (0, 2, 3), (4, 0, 3)]
TYPES = ["<f8", "<f4", "<i8", "u1", "<c16", "?", "S3", "<U3", "O", "<M8[s]", "<f2", "V4"]
LAYOUTS = [
    ["z", "R", "E", "F"],
    ["nuclear_charges", "coords", "energies", "forces"],
    ["numbers", "positions", "energies", "forces"],
]


def attempt(random: Random, folder: Path) -> Case:
    """A file with a few changes, or one made of odd parts."""
    way = random.choice([_extxyz, _npz, _damaged])
    name, content = way(random)
    path = folder / f"case{name}"
    path.write_bytes(content)
    return Case(f"{way.__name__} {content[:300]!r}", "frames", path)


def _damaged(random: Random) -> tuple[str, bytes]:
    name, content = random.choice([_whole_extxyz, _whole_npz])()
    damaged = bytearray(content)
    for _ in range(random.randint(1, 4)):
        place = random.randrange(len(damaged))
        kind = random.randrange(5)
        if kind == 0:
            damaged[place] ^= 1 << random.randrange(8)
        elif kind == 1:
            del damaged[place : place + random.choice([1, 2, 8, 100])]
        elif kind == 2:
            damaged[place:place] = random.randbytes(random.choice([1, 4, 50]))
        elif kind == 3:
            damaged[place:place] = random.choice(["\n", "\r", "\n\n", " ", "0", "-", "=", '"', "\0", "é"]).encode()
        else:
            del damaged[place:]
            break
    if name != ".npz" and random.random() < 0.2:
        return name + ".gz", gzip.compress(bytes(damaged))[: None if random.random() < 0.5 else -5]
    return name, bytes(damaged)


def _whole_extxyz() -> tuple[str, bytes]:
    frame = (
        '2\nLattice="4 0 0 0 4 0 0 0 4" Properties=species:S:1:pos:R:3:forces:R:3 energy=-1.5 '
        'stress="1 0 0 0 1 0 0 0 1" energy_unit=eV step=3 config_type=a pbc="T T T"\n'
        "C 0 0 0 0.5 0 0\nO 0 0 1.1 -0.5 0 0\n"
    )
    return ".extxyz", (frame * 4).encode()


def _whole_npz() -> tuple[str, bytes]:
    file = io.BytesIO()
    ones = np.ones((4, 2, 3))
    np.savez(file, z=np.array([6, 8]), R=ones, E=np.arange(4.0), F=ones, r_unit="Ang", e_unit="eV")
    return ".npz", file.getvalue()


def _extxyz(random: Random) -> tuple[str, bytes]:
    frames = []
    for _ in range(random.randint(1, 3)):
        rows = random.randint(0, 3)
        pairs = [f"{random.choice(KEYS)}={random.choice(VALUES)}" for _ in range(random.choice([0, 1, 1, 2, 4]))]
        lines = [str(rows) if random.random() < 0.9 else random.choice(COUNTS), " ".join(pairs)]
        width = random.choice([3, 3, 6, 15])
        for row in range(rows):
            words = ["0.5"] * width
            if random.random() < 0.1:
                words[random.randrange(len(words))] = random.choice(NUMBERS)
            odd = random.choice(["X", "6", "Zz", "-1", "119"])
            lines.append(" ".join(["CO"[row % 2] if random.random() < 0.97 else odd, *words]))
        frames.append(random.choice(["\n", "\n", "\r\n", "\r"]).join(lines))
    return random.choice([".extxyz", ".xyz"]), "\n".join([*frames, ""]).encode("utf-8", "replace")


def _npz(random: Random) -> tuple[str, bytes]:
    file = io.BytesIO()
    whole = dict(zip(random.choice(LAYOUTS), [(2,), (4, 2, 3), (4,), (4, 2, 3)], strict=True))
    others = random.sample([name for names in LAYOUTS for name in names], random.choice([0, 0, 1, 2]))
    with zipfile.ZipFile(file, "w", random.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])) as packed:
        for key, unit in {"e_unit": "eV", "r_unit": "Ang"}.items():
            if random.random() < 0.95:
                word = io.BytesIO()
                np.save(word, np.array(unit if random.random() < 0.95 else random.choice(VALUES)))
                packed.writestr(key + ".npy", word.getvalue())
        for name in sorted({*whole, *others}):
            packed.writestr(name + ".npy", _npy(random, whole.get(name)))
    return ".npz", file.getvalue()


def _npy(random: Random, whole: tuple[int, ...] | None) -> bytes:
    """An array, mostly of this shape, whose header may lie."""
    shape = random.choice(SHAPES) if whole is None or random.random() < 0.1 else whole
    kind = random.choice(TYPES) if random.random() < 0.1 else "<f8"
    claims = [(10**12,), (-1,), (10**6, 10**6), (2**62, 8)]
    said = random.choice(claims) if random.random() < 0.05 else shape
    header = f"{{'descr': '{kind}', 'fortran_order': {random.random() < 0.2}, 'shape': {said}, }}\n"
    if random.random() < 0.01:
        header = "(" * 5000
    size = int(np.prod(shape))
    values = np.ones(size).tobytes() if random.random() < 0.95 else random.randbytes(8 * size)
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + values
