"""Options of ``rfp evaluate`` and ``rfp data audit``."""

from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Annotated

from rfp_md.io.options import Data, Model, ReadingOptions
from rfp_md.verbs import Argument, Option


@dataclass(frozen=True)
class EvaluateOptions(ReadingOptions):
    """Options of ``rfp evaluate``."""

    model: Model
    data: Data
    _: KW_ONLY
    plot: Annotated[Path | str | None, Option("PNG for the parity plot; with --uncertainty, for its calibration.")] = (
        None
    )
    uncertainty: Annotated[bool, Option("Compare the errors with what the model's committee predicts of them.")] = False


@dataclass(frozen=True)
class AuditOptions(ReadingOptions):
    """Options of ``rfp data audit``."""

    train: Annotated[Path | str, Argument("Reference frames, or a model that was fitted to them.", metavar="TRAIN")]
    test: Annotated[
        Path | str | None,
        Argument("Frames that are to judge a model; without, labels are looked at only.", metavar="TEST"),
    ] = None
    _: KW_ONLY
    strict: Annotated[bool, Option("Fail for labels that contradict each other, too.")] = False
