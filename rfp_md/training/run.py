"""From reference frames to a potential."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rfp_md.errors import UserError, check_choice
from rfp_md.files.safe_write import check_output
from rfp_md.frames import Dataset, check_trainable, count_duplicates
from rfp_md.io import Units, paths_of, read
from rfp_md.potential import Potential
from rfp_md.progress import Progress
from rfp_md.regressors import Regressor
from rfp_md.training.presets import PRESETS, PresetName
from rfp_md.training.specs import make_baselines, make_regressor, make_terms, parse_duration
from rfp_md.training.splits import split_frames
from rfp_md.training.task import Target, Task


def train(
    data: str | Path | Sequence[str | Path] | Dataset,
    *,
    output: str | Path | None = None,
    descriptor: Sequence[str] = (),
    regressor: str | None = None,
    baseline: Sequence[str] = (),
    target: Target = "conservative",
    preset: PresetName = "accurate",
    n_train: int | None = None,
    n_valid: int | None = None,
    split: str = "random",
    seed: int = 0,
    learning_curve: Sequence[int] | None = None,
    time_budget: str | None = None,
    energy_unit: str | None = None,
    force_unit: str | None = None,
    length_unit: str | None = None,
    progress: Progress | None = None,
) -> Potential:
    """Fit a potential to reference frames with one linear solve.

    Args:
        data: file or files of reference frames, or a dataset.
        output: the ``.rfp`` file to write.
        descriptor: one ``NAME[:key=value,…]`` for each term; ``width`` among the keys is the term's number
            of features. Default: the preset's.
        regressor: ``NAME[:key=value,…]``. Default: the preset's.
        baseline: one ``NAME[:key=value,…]`` for each part of the energy that is not learned; each is fitted to what
            those before it leave. Default: ``elements``.
        target: ``conservative``: forces are the negative gradient of the learned energy; ``direct``: energies and
            lab-frame force vectors are fitted separately (thesis, section 3.2.1), to compare with, not for MD.
        preset: ``accurate``, ``fast`` or ``reference``, see ``rfp_md.training.presets``: descriptors, regressor and
            number of features, where they are not given.
        n_train, n_valid, split, seed: see ``rfp_md.training.splits.split_frames``; the validation frames choose the
            hyper-parameters and then join the last solve.
        learning_curve: numbers of training frames to fit to as well, see ``rfp_md.training.learning_curve``.
        time_budget: ``90s``, ``5min`` or ``1h``: the number of features is the largest whose fit is estimated to take
            no longer, see ``rfp_md.training.budget``.
        energy_unit, force_unit, length_unit: units of the files, where their format does not state them.

    Raises:
        UserError: bad frames, units, plugins or parameters, or a fit that does not fit into memory.
    """
    progress = progress or Progress()
    check_choice("--target", target, ("conservative", "direct"))
    check_choice("--preset", preset, tuple(PRESETS))
    if output is not None:
        check_output(output, [] if isinstance(data, Dataset) else paths_of(data))
    if seed < 0:
        raise UserError(f"--seed {seed}: must not be negative")
    chosen = PRESETS[preset]
    conservative = target == "conservative"
    specification = regressor or chosen.regressor_for(conservative=conservative)
    _, widths = make_terms(descriptor)
    model = make_regressor(specification)
    make_baselines(baseline)
    if time_budget is not None:
        parse_duration(time_budget, "--time-budget")
        explicit = "width" in model.model_fields_set or any(widths)
        _check_budget(f"--time-budget {time_budget}", model, target, explicit, learning_curve is not None)
    dataset = data if isinstance(data, Dataset) else read(data, Units(energy_unit, force_unit, length_unit))
    if not model.takes_width and any(width is not None for width in widths):
        raise UserError(f"regressor '{model.name}' has no width to choose; leave width=… out")
    if "width" in model.model_fields_set and descriptor and all(width is not None for width in widths):
        raise UserError(
            f"--regressor {regressor}: its width has no effect, for every --descriptor has a width of its own; "
            "leave one of them out"
        )
    check_trainable(dataset, forces=model.smooth or not conservative)
    if not conservative:
        if any(block.periodic for block in dataset):
            raise UserError(f"{dataset.sources}: is periodic, but --target direct is for free molecules")
        dataset.one_composition("--target direct")
        progress.message(
            "warning: a direct model's forces are not the gradient of its energy; it cannot conserve energy in MD"
        )
    if duplicates := count_duplicates(dataset):
        progress.message(f"warning: {duplicates} of {len(dataset)} frames repeat an earlier frame; are they meant to?")

    rng = np.random.default_rng(seed)
    train_indices, valid_indices = split_frames(len(dataset), n_train, n_valid, split, rng)
    task = Task(
        dataset=dataset,
        valid=valid_indices,
        terms=descriptor or chosen.terms(dataset),
        width=None if descriptor or regressor or time_budget else chosen.width,
        regressor=specification,
        baselines=baseline or ("elements",),
        target=target,
        time_budget=time_budget,
        split={"kind": split, "seed": seed},
        rng=rng,
        progress=progress,
    )
    if learning_curve is not None:
        from rfp_md.training import learning_curve as curve

        return curve.learning_curve(
            task.fit,
            train_indices,
            learning_curve,
            n_valid=len(valid_indices),
            rng=rng.spawn(1)[0],
            output=output,
            progress=progress,
        )
    potential = task.fit(train_indices)
    if output is not None:
        from rfp_md.artifact.file import save

        save(potential, output)
    return potential


def _check_budget(flag: str, model: Regressor, target: Target, explicit: bool, learning_curve: bool) -> None:
    """Refuse a time budget where there is no width to choose by it.

    Args:
        explicit: whether the user gave a width.
    """
    if explicit:
        raise UserError(f"{flag}: chooses the width itself; leave width=… out, or the budget")
    if not model.takes_width:
        raise UserError(f"{flag}: regressor '{model.name}' has no width to choose; leave the budget out")
    if target == "direct":
        raise UserError(f"{flag}: is for conservative models; leave it out, or --target direct")
    if learning_curve:
        raise UserError(
            f"{flag}: excludes --learning-curve, whose fits are to differ in their frames only; give a width"
        )
