"""Options of ``rfp report``."""

from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Annotated

from rfp_md.io.options import OUTPUT, Files, Model, ReadingOptions
from rfp_md.verbs import Option


@dataclass(frozen=True)
class ReportOptions(ReadingOptions):
    """Options of ``rfp report``."""

    model: Model
    output: Annotated[Path | str, Option("The page to write, report.html.", flags=OUTPUT)]
    _: KW_ONLY
    data: Annotated[Files | None, Option("Reference frames to test the model on; again for more.")] = None
