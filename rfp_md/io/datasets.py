"""Published reference data by name: what it is and where it is.

A checksum stands here only where the bytes of the source are known to have it.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

from rfp_md.errors import UserError

CITATIONS = {
    "Chmiela2017": "S. Chmiela et al., Sci. Adv. 3, e1603015 (2017), doi:10.1126/sciadv.1603015",
    "Christensen2020": "A. S. Christensen and O. A. von Lilienfeld, Mach. Learn.: Sci. Technol. 1, 045018 (2020), "
    "doi:10.1088/2632-2153/abba6f; data: doi:10.6084/m9.figshare.12672038",
}
SGDML = "https://sgdml.org/secure_proxy.php?file=data/npz"
FIGSHARE = "https://ndownloader.figshare.com/files"
SPLITS = "https://raw.githubusercontent.com/andersx/rmd17-npz/4f6bb0a186822c90d47cd98b7a27991fe0b3173b/rmd17-npz"

MOLECULES = {
    "aspirin": "C9H8O4",
    "azobenzene": "C12H10N2",
    "benzene": "C6H6",
    "benzene2017": "C6H6",
    "ethanol": "C2H6O",
    "malonaldehyde": "C3H4O2",
    "naphthalene": "C10H8",
    "paracetamol": "C8H9NO2",
    "salicylic": "C7H6O3",
    "toluene": "C7H8",
    "uracil": "C4H4N2O2",
}

# molecule: file at sgdml.org, frames
MD17 = {
    "aspirin": ("md17_aspirin.npz", 211_762),
    "azobenzene": ("azobenzene_dft.npz", 99_999),
    "benzene2017": ("md17_benzene2017.npz", 627_983),
    "ethanol": ("md17_ethanol.npz", 555_092),
    "malonaldehyde": ("md17_malonaldehyde.npz", 993_237),
    "naphthalene": ("md17_naphthalene.npz", 326_250),
    "paracetamol": ("paracetamol_dft.npz", 106_490),
    "salicylic": ("md17_salicylic.npz", 320_231),
    "toluene": ("md17_toluene.npz", 442_790),
    "uracil": ("md17_uracil.npz", 133_770),
}

# molecule: number of the file at figshare, frames, bytes
RMD17 = {
    "aspirin": (62265757, 100_000, 153_601_803),
    "azobenzene": (62265754, 99_988, 175_180_782),
    "benzene": (62265739, 100_000, 88_801_794),
    "ethanol": (62265733, 100_000, 67_201_791),
    "malonaldehyde": (62265736, 100_000, 67_201_791),
    "naphthalene": (62265751, 100_000, 132_001_800),
    "paracetamol": (62265760, 100_000, 146_401_802),
    "salicylic": (62265748, 100_000, 117_601_798),
    "toluene": (62265742, 100_000, 110_401_797),
    "uracil": (62265745, 100_000, 88_801_794),
}


@dataclass(frozen=True)
class Published:
    """One file that can be fetched.

    Attributes:
        folder: of the cache, and of the molecules' files under ``RFP_DATA``.
        url: where it is; a mirror has it under ``file``.
        bytes, sha256, licence: None where we do not know, or the source does not say.
        units: flags that a file needs which does not state its units itself.
    """

    name: str
    folder: str
    file: str
    url: str
    content: str
    theory: str
    cite: str
    frames: int | None = None
    bytes: int | None = None
    sha256: str | None = None
    licence: str | None = None
    units: str = ""

    @property
    def path(self) -> Path:
        """The place of the file in the cache."""
        return cache_folder() / self.folder / self.file


def cache_folder() -> Path:
    """Find the folder of fetched data: ``RFP_DATA`` if it is set, else the user's cache folder."""
    if folder := os.environ.get("RFP_DATA"):
        return Path(folder).expanduser()
    import pooch

    return Path(pooch.os_cache("rfp-md"))


@cache
def published() -> dict[str, Published]:
    """List every data set that has a name, by that name."""
    return {entry.name: entry for entry in (*_md17(), *_rmd17(), *_rmd17_splits(), ARCHIVE)}


def find(name: str) -> Published:
    """Look up a data set by its name. Raises UserError with what may have been meant."""
    if name not in published():
        close = difflib.get_close_matches(name, published(), n=1)
        hint = f"did you mean '{close[0]}'?" if close else "'rfp data list' shows them"
        raise UserError(f"no data set has the name '{name}'; {hint}")
    return published()[name]


def _md17() -> Iterator[Published]:
    for molecule, (file, frames) in MD17.items():
        yield Published(
            name=f"md17_{molecule}",
            folder="md17",
            file=file,
            url=f"{SGDML}/{file}",
            content=f"{MOLECULES[molecule]}, MD at 500 K",
            theory="PBE+vdW-TS",
            cite="Chmiela2017",
            frames=frames,
            units="--energy-unit kcal/mol --length-unit angstrom",
        )


def _rmd17() -> Iterator[Published]:
    for molecule, (number, frames, size) in RMD17.items():
        name = f"rmd17_{molecule}"
        yield Published(
            name=name,
            file=f"{name}.npz",
            url=f"{FIGSHARE}/{number}",
            content=f"{MOLECULES[molecule]}, all frames",
            frames=frames,
            bytes=size,
            **OF_RMD17,
        )


def _rmd17_splits() -> Iterator[Published]:
    for molecule, part, split in product(RMD17, ("train", "test"), range(1, 6)):
        name = f"rmd17_{molecule}_{part}_{split:02}"
        yield Published(
            name=name,
            file=f"{name}.npz",
            url=f"{SPLITS}/{name}.npz",
            content=f"{MOLECULES[molecule]}, {part} frames of a split",
            frames=1000,
            **OF_RMD17,
        )


OF_RMD17: dict[str, Any] = {"folder": "rmd17", "theory": "PBE/def2-SVP", "cite": "Christensen2020", "licence": "CC0"}

ARCHIVE = Published(
    name="rmd17",
    file="rmd17.tar.bz2",
    url=f"{FIGSHARE}/23950376",
    content="ten molecules and their splits, to unpack",
    frames=999_988,
    bytes=1_066_301_513,
    sha256="cddeea2ec2c4b22a9de16a9a65a3eeedac5b29da9c99c20bbff0153912bf922b",
    **OF_RMD17,
)
