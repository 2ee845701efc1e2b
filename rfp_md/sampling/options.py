"""Options of ``rfp sample``."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Annotated, Literal

from rfp_md.io.options import OUTPUT
from rfp_md.progress import Progress
from rfp_md.verbs import Argument, Option

Thermostat = Literal["langevin", "none"]
FRICTION = 0.01  # 1/fs


@dataclass(frozen=True)
class SampleOptions:
    """Options of ``rfp sample``."""

    start: Annotated[str | Path, Argument("A structure: its last frame is taken.", metavar="START")]
    output: Annotated[Path | str, Option("The extxyz file to write.", flags=OUTPUT)]
    _: KW_ONLY
    calculator: Annotated[str, Option("ASE calculator, MODULE:CLASS, as in tblite.ase:TBLite.")]
    calculator_arg: Annotated[Sequence[str], Option("KEY=VALUE for the calculator, once for each argument.")] = ()
    frames: Annotated[int, Option("Frames to keep.")] = 500
    stride: Annotated[int, Option("Steps from one frame, and one checkpoint, to the next.")] = 20
    timestep: Annotated[float, Option("Timestep, fs.")] = 0.5
    temperature: Annotated[float, Option("Of the initial velocities and of the thermostat, K.")] = 300.0
    thermostat: Annotated[Thermostat, Option("none: constant energy.", metavar="<langevin|none>")] = "langevin"
    friction: Annotated[float | None, Option(f"Friction of the Langevin thermostat, 1/fs; default: {FRICTION}.")] = None
    warm_up: Annotated[int, Option("Steps before the first stride.")] = 2000
    seed: Annotated[int, Option("Seed of velocities and thermostat.")] = 0
    progress: Progress | None = None
