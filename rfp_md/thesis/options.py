"""Options of ``rfp thesis run``."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Annotated, Literal

from rfp_md.io.options import OUTPUT
from rfp_md.progress import Progress
from rfp_md.verbs import Argument, Option

Protocol = Literal["author", "clean", "rmd17"]


@dataclass(frozen=True)
class ThesisRunOptions:
    """Options of ``rfp thesis run``."""

    tables: Annotated[Sequence[str], Argument("Numbers of tables, as in 3.10.", metavar="TABLE")] = ()
    _: KW_ONLY
    data: Annotated[Path | str, Option("Folder of the rMD17 files or of trajectories.", envvar="RFP_DATA")]
    protocol: Annotated[Protocol, Option("rmd17, clean, or author (the leaking draw, a control).")] = "rmd17"
    output: Annotated[
        Path | str | None, Option("JSON lines, written row by row; a run goes on from them.", flags=OUTPUT)
    ] = None
    seed: Annotated[int, Option("Seed of everything random.", least=0)] = 0
    progress: Progress | None = None
