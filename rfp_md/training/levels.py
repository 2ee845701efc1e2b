"""``--level LOW --level HIGH``: the frames of the low level, and what two levels do not go with."""

from __future__ import annotations

from rfp_md.errors import UserError
from rfp_md.frames import Dataset, check_trainable, formula
from rfp_md.regressors import Regressor
from rfp_md.regressors.features import FeatureRegressor
from rfp_md.training.options import TrainOptions


def check_levels(options: TrainOptions, model: Regressor) -> None:
    """Refuse what two levels do not go with."""
    no_data = not isinstance(options.data, Dataset) and not options.data
    if not options.level:
        if no_data:
            raise UserError("there are no frames to train on: name DATA, or two files by --level LOW --level HIGH")
        return
    said = " ".join(f"--level {level}" for level in options.level)
    if len(options.level) != 2:
        raise UserError(f"{said}: takes two levels, the low one and the one to be learned: --level LOW --level HIGH")
    if not no_data:
        raise UserError(f"{said}: stand in place of DATA; leave one of the two out")
    if options.target == "direct" or options.time_budget is not None:
        raise UserError(f"{said}: leave --target direct and --time-budget out, which know one level only")
    if not isinstance(model, FeatureRegressor) or not model.relative:
        raise UserError(
            f"{said}: two levels are for regressors that are linear in features (random_fourier, for one), with λ "
            f"relative to these; '{model.name}' here is none"
        )


def low_frames(options: TrainOptions, dataset: Dataset) -> Dataset | None:
    """The frames of the low level, of no other elements than the high one has."""
    if not options.level:
        return None
    low = options.read(options.level[0])
    check_trainable(low)
    known, asked = ({int(z) for block in part for z in block.numbers} for part in (dataset, low))
    if foreign := sorted(asked - known):
        raise UserError(
            f"{low.sources}: has {formula(foreign)}, but {dataset.sources}, the level to be learned, has not; leave "
            "those frames out"
        )
    return low
