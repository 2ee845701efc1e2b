"""Frames at which a calculator among the baselines fails, left out before the fit (``--skip-failed``)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rfp_md.baselines.calculator import CalculatorBaseline
from rfp_md.errors import UserError
from rfp_md.frames import Dataset, Frames
from rfp_md.progress import Progress
from rfp_md.training.flag_values import make_baselines
from rfp_md.training.options import TrainOptions

NAMED = 5  # frames, of those left out


def usable(options: TrainOptions, dataset: Dataset, progress: Progress) -> Dataset:
    """The frames without those at which a calculator fails, if the user wants that."""
    if not options.skip_failed:
        return dataset
    calculators = [one for one in make_baselines(options.baseline) if isinstance(one, CalculatorBaseline)]
    if not calculators:
        raise UserError("--skip-failed: no baseline is a calculator that could fail; leave it out")
    return _without_failed(dataset, calculators, progress)


def _without_failed(dataset: Dataset, calculators: Sequence[CalculatorBaseline], progress: Progress) -> Dataset:
    """The frames that every calculator has an energy of; those that are left out are counted and named.

    It is asked for the energies alone, and once more for forces in the fit.

    Raises:
        UserError: none is left.
    """
    progress.start("Trying the calculator", len(dataset), "frames")
    works, failed = [], []
    for block in dataset:
        for k in range(len(block)):
            reason = _failure(block[k : k + 1], calculators)
            works.append(reason is None)
            if reason is not None:
                failed.append(f"{block.source} {block.name(k)}")
            progress.advance(1)
    if not failed:
        return dataset
    if not any(works):
        raise UserError(f"--skip-failed: {_failure(dataset.blocks[0][:1], calculators)}; and so does every other frame")
    more = f" and {len(failed) - NAMED} more" if len(failed) > NAMED else ""
    progress.message(
        f"warning: the calculator failed at {len(failed)} of {len(works)} frames, which are left out: "
        f"{', '.join(failed[:NAMED])}{more}"
    )
    return dataset.select(np.flatnonzero(works))


def _failure(frame: Frames, calculators: Sequence[CalculatorBaseline]) -> str | None:
    """Why a calculator has no energy of a frame; None where all have."""
    try:
        for calculator in calculators:
            calculator.energies(frame)
    except UserError as error:
        return str(error)
    return None
