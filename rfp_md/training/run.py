"""From reference frames to a potential: the function behind ``rfp train``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import get_args

import numpy as np

from rfp_md.arrays import Ints
from rfp_md.artifact.file import save
from rfp_md.errors import UserError, check_choice
from rfp_md.evaluation.labels.audit import report_labels
from rfp_md.evaluation.labels.findings import Finding
from rfp_md.files.safe_write import check_output
from rfp_md.frames import Dataset, check_trainable, count_duplicates
from rfp_md.io import paths_of
from rfp_md.potential import Potential
from rfp_md.progress import Progress
from rfp_md.regressors import Regressor
from rfp_md.regressors.features import FeatureRegressor
from rfp_md.training.atom_energies import with_atom_energies
from rfp_md.training.flag_values import (
    make_baselines,
    make_regressor,
    make_terms,
    parse_duration,
    parse_sizes,
    with_defaults,
)
from rfp_md.training.learning_curve import learning_curve
from rfp_md.training.levels import check_levels, low_frames
from rfp_md.training.local_model import LocalModel, searched
from rfp_md.training.options import PresetName, Target, TrainOptions
from rfp_md.training.presets import MOLECULE, Preset, one_small_molecule, preset_for
from rfp_md.training.skip_failed import usable
from rfp_md.training.splits import split_frames
from rfp_md.training.task import Task
from rfp_md.training.weights import check_weights, parse_weights
from rfp_md.verbs import with_options


@with_options(TrainOptions)
def train(options: TrainOptions) -> Potential:
    """Fit a potential to reference frames with one linear solve.

    The frames may be a dataset, too, and without an output nothing is written. What is not named is the preset's
    (``rfp_md.training.presets``): descriptors, regressor, number of features. Baselines are fitted one after another,
    each to what those before it leave; without any named, ``elements`` is, and ``zbl`` where all terms are local. The
    validation frames (``rfp_md.training.splits``) choose the hyper-parameters and then join the last solve. With
    ``level`` names two files, of a low level of theory and of the one to be learned, in place of the frames: labels of
    both share features (``rfp_md.regressors.fitting.levels``). With
    ``target="direct"`` energies and lab-frame force vectors are fitted separately (thesis, section 3.2.1), to compare
    with, not for MD. The learning curve is that of ``rfp_md.training.learning_curve``, the time budget that of
    ``rfp_md.training.budget``.

    Raises:
        UserError: bad frames, units, plugins or parameters, or a fit that does not fit into memory.
    """
    progress = options.progress or Progress()
    model = _checked(options)
    check_levels(options, model)
    dataset = _frames(options)
    dataset = usable(options, dataset, progress)
    _check_frames(dataset, model, options.target)
    check_weights(dataset, parse_weights(options.weight))
    _warn(dataset, options.target, progress)
    labels = _audit(options, dataset, progress)
    rng = np.random.default_rng(options.seed)
    train, valid = split_frames(dataset, options.n_train, options.n_valid, options.split, rng)
    task = _task(options, dataset, valid, labels, rng, progress)
    if _is_searched(options, model, dataset):
        task = searched(task, train)
    if options.learning_curve is not None:
        sizes, judging = _sizes(options.learning_curve), rng.spawn(1)[0]
        return learning_curve(
            task.fit, train, sizes, n_valid=len(valid), rng=judging, output=options.output, progress=progress
        )
    potential = task.fit(train)
    if options.output is not None:
        save(potential, options.output)
    return potential


def _is_searched(options: TrainOptions, model: Regressor, dataset: Dataset) -> bool:
    """Whether small fits choose the local term: not where a budget was given, which they would take from the fit."""
    searched = preset_for(options.preset, dataset).searched and options.target == "conservative"
    return searched and not options.descriptor and options.time_budget is None and isinstance(model, FeatureRegressor)


def _audit(options: TrainOptions, dataset: Dataset, progress: Progress) -> list[Finding]:
    """Look whether the labels agree with each other, and the atoms stand in one order where a descriptor needs that."""
    terms, _ = make_terms(options.descriptor or preset_for(options.preset, dataset).labelled)
    ordered = any(term.capabilities.fixed_composition for term in terms)
    return report_labels(dataset, progress, ordered=ordered, strict=options.strict)


def _checked(options: TrainOptions) -> Regressor:
    """Refuse what can be refused before a frame is read. The regressor, before its fit."""
    check_choice("--target", options.target, get_args(Target))
    check_choice("--preset", options.preset, get_args(PresetName))
    stacked = [file for baseline in make_baselines(options.baseline) for file in baseline.inputs]
    if options.output is not None:
        files = [] if isinstance(options.data, Dataset) else paths_of(options.data)
        check_output(options.output, [*files, *options.level, *stacked])
    if options.seed < 0:
        raise UserError(f"--seed {options.seed}: must not be negative")
    if options.learning_curve is not None:
        _sizes(options.learning_curve)
    _, widths = make_terms(options.descriptor)
    model = make_regressor(_regressor(options, MOLECULE[options.preset]))
    parse_weights(options.weight)
    explicit = "width" in model.model_fields_set or any(widths)
    if options.width is not None and explicit:
        raise UserError(f"--width {options.width}: is the whole model's; leave it out, or the width=… of its parts")
    if options.time_budget is not None:
        parse_duration(options.time_budget, "--time-budget")
        _check_budget(options, model, explicit=explicit or options.width is not None)
    _check_widths(options, model, widths)
    return model


def _sizes(learning_curve: str | Sequence[int]) -> Sequence[int]:
    return parse_sizes(learning_curve) if isinstance(learning_curve, str) else learning_curve


def _regressor(options: TrainOptions, preset: Preset) -> str:
    """As the user names it, with what the preset says of it beside, or as the preset does."""
    usual = preset.regressor_for(conservative=options.target == "conservative")
    return usual if options.regressor is None else with_defaults(options.regressor, usual, "--regressor")


def _terms(options: TrainOptions, preset: Preset, dataset: Dataset) -> Sequence[str]:
    """The descriptors as the user names them, or as the preset and the frames do."""
    if options.descriptor or not preset.local:
        return options.descriptor or preset.labelled
    local = "many_body" if one_small_molecule(dataset) else LocalModel.of(dataset).text
    return (*preset.labelled, local)


def _baselines(options: TrainOptions, names: Sequence[str]) -> Sequence[str]:
    """Repulsion, with its prior, where all terms are local: such models meet what no training frame has."""
    terms, _ = make_terms(names)
    local = options.target == "conservative" and all(term.capabilities.per_atom for term in terms)
    return ("elements", "zbl") if local else ("elements",)


def _width(options: TrainOptions, preset: Preset, progress: Progress) -> Callable[[Dataset], int | None] | None:
    """How many features the model has; None where the regressor chooses them, or a budget or a term says."""
    if (width := options.width) is not None:
        return lambda frames: width
    model, (_, widths) = make_regressor(_regressor(options, preset)), make_terms(options.descriptor)
    if options.time_budget is not None or "width" in model.model_fields_set or any(widths):
        return None
    if not options.descriptor and model.name == preset.regressor.partition(":")[0]:
        return preset.width
    if model.takes_width:
        progress.message(
            f"the number of features of preset {options.preset} is for its own descriptors and regressor: here "
            f"'{model.name}' chooses; --width N sets it"
        )
    return None


def _frames(options: TrainOptions) -> Dataset:
    """The frames to learn, those of the high level where there are two."""
    if isinstance(options.data, Dataset):
        return options.data.without_stresses() if options.no_stress else options.data
    return options.read(options.level[1] if options.level else options.data)


def _task(
    options: TrainOptions,
    dataset: Dataset,
    valid: Ints,
    labels: Sequence[Finding],
    rng: np.random.Generator,
    progress: Progress,
) -> Task:
    """What every fit of this call has in common."""
    preset = preset_for(options.preset, dataset)
    baselines = options.baseline or _baselines(options, _terms(options, preset, dataset))
    baselines, origin = with_atom_energies(baselines, options.atom_energy, options.energy_unit, dataset)
    return Task(
        dataset=dataset,
        valid=valid,
        terms=_terms(options, preset, dataset),
        width=_width(options, preset, progress),
        regressor=_regressor(options, preset),
        baselines=baselines,
        atom_energies=origin,
        weights=parse_weights(options.weight),
        target=options.target,
        time_budget=options.time_budget,
        split={"kind": options.split, "seed": options.seed},
        labels=labels,
        low=low_frames(options, dataset),
        rng=rng,
        progress=progress,
    )


def _check_budget(options: TrainOptions, model: Regressor, *, explicit: bool) -> None:
    """Refuse a time budget where there is no width to choose by it.

    Args:
        explicit: whether the user gave a width.
    """
    flag = f"--time-budget {options.time_budget}"
    if explicit:
        raise UserError(f"{flag}: chooses the width itself; leave width=… out, or the budget")
    if not model.takes_width:
        raise UserError(f"{flag}: regressor '{model.name}' has no width to choose; leave the budget out")
    if options.target == "direct":
        raise UserError(f"{flag}: is for conservative models; leave it out, or --target direct")
    if options.learning_curve is not None:
        raise UserError(
            f"{flag}: excludes --learning-curve, whose fits are to differ in their frames only; give a width"
        )


def _check_widths(options: TrainOptions, model: Regressor, widths: Sequence[int | None]) -> None:
    """Refuse widths that have no effect.

    Args:
        widths: of the descriptors.
    """
    if not model.takes_width and (options.width is not None or any(width is not None for width in widths)):
        raise UserError(f"regressor '{model.name}' has no width to choose; leave --width and width=… out")
    if "width" in model.model_fields_set and options.descriptor and all(width is not None for width in widths):
        raise UserError(
            f"--regressor {options.regressor}: its width has no effect, for every --descriptor has a width of its "
            "own; leave one of them out"
        )


def _check_frames(dataset: Dataset, model: Regressor, target: Target) -> None:
    """Refuse frames that this kind of model cannot be fitted to."""
    direct = target == "direct"
    check_trainable(dataset, forces=model.smooth or direct)
    if direct:
        if any(block.periodic for block in dataset):
            raise UserError(f"{dataset.sources}: is periodic, but --target direct is for free molecules")
        dataset.one_composition("--target direct")


def _warn(dataset: Dataset, target: Target, progress: Progress) -> None:
    """Say what may not be meant, and what was chosen."""
    for note in dataset.notes:
        progress.message(f"note: {note}")
    if target == "direct":
        progress.message(
            "warning: a direct model's forces are not the gradient of its energy; it cannot conserve energy in MD"
        )
    if duplicates := count_duplicates(dataset):
        progress.message(f"warning: {duplicates} of {len(dataset)} frames repeat an earlier frame; are they meant to?")
