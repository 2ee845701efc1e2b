"""Options of the verbs that read and write frames, and those that other verbs have in common with them."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from rfp_md.io.keys import Keys
from rfp_md.io.units import Units
from rfp_md.progress import Progress
from rfp_md.verbs import Argument, Option

if TYPE_CHECKING:
    from rfp_md.frames import Dataset

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
    energy_key: Annotated[str | None, Option("Name of the energy in the files; default: free_energy, energy.")] = None
    forces_key: Annotated[str | None, Option("Name of the forces in the files; default: forces.")] = None
    stress_key: Annotated[str | None, Option("Name of the stress in the files; default: stress.")] = None
    virial_key: Annotated[str | None, Option("Name of the virial in the files; default: virial, virials.")] = None

    def read(self, files: Files) -> "Dataset":
        """Read frames as the options say. Raises UserError as ``rfp_md.io.read``."""
        from rfp_md.io.read import read

        units = Units(self.energy_unit, self.force_unit, self.length_unit, self.stress_unit)
        keys = Keys(self.energy_key, self.forces_key, self.stress_key, self.virial_key)
        return read(files, units, stresses=not self.no_stress, keys=keys)


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
