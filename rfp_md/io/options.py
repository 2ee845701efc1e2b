"""Options of the verbs that read and write frames, and those that other verbs have in common with them."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Annotated

from rfp_md.io.units import Units
from rfp_md.progress import Progress
from rfp_md.verbs import Argument, Option

Files = Sequence[Path | str] | Path | str

DATA = Argument("Reference frames: extxyz, npz, or what ASE reads.", metavar="DATA")
Data = Annotated[Files, DATA]
Model = Annotated[Path | str, Argument("A .rfp file.", metavar="MODEL.rfp")]
OUTPUT = ("-o", "--output")


@dataclass(frozen=True, kw_only=True)
class ReadingOptions:
    """How reference frames are read: a part of the options of every verb that takes their labels."""

    energy_unit: Annotated[str | None, Option("Energy unit of the files, if they do not state it.")] = None
    force_unit: Annotated[str | None, Option("Force unit of the files; default: energy unit / length unit.")] = None
    length_unit: Annotated[str | None, Option("Length unit of the files, if they do not state it.")] = None
    stress_unit: Annotated[
        str | None, Option("Stress unit of the files, as in GPa; default: energy unit / length unit^3.")
    ] = None
    no_stress: Annotated[bool, Option("Leave the files' stresses out.")] = False

    @property
    def units(self) -> Units:
        """The units that were named."""
        return Units(self.energy_unit, self.force_unit, self.length_unit, self.stress_unit)


@dataclass(frozen=True)
class FetchOptions:
    """Options of ``rfp data fetch``."""

    name: Annotated[str, Argument("A name that `rfp data list` shows.", metavar="NAME")]
    _: KW_ONLY
    mirror: Annotated[str | None, Option("URL of a folder that has the file, instead of its source.")] = None
    progress: Progress | None = None


@dataclass(frozen=True)
class ConvertOptions(ReadingOptions):
    """Options of ``rfp data convert``."""

    data: Data
    output: Annotated[Path | str, Option("The .extxyz or .npz file to write.", flags=OUTPUT)]
