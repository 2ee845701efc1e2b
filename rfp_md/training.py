"""From reference frames to a potential."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from rfp_md.described import DescribedFrames, Outputs
from rfp_md.descriptors import Descriptor
from rfp_md.errors import UserError
from rfp_md.files import check_output
from rfp_md.frames import Dataset, Ints, check_trainable, count_duplicates, formula
from rfp_md.guard import call, check_fitted
from rfp_md.io import Units, paths_of, read
from rfp_md.leakage import Fingerprints, Leakage, audit
from rfp_md.potential import Baseline, Potential, check_periodic
from rfp_md.presets import PRESETS, PresetName
from rfp_md.progress import Progress
from rfp_md.regressors import Regressor, Samples
from rfp_md.sites import check_declared
from rfp_md.specs import check_choice, make_regressor, make_terms, parse_duration
from rfp_md.splits import split_frames

Target = Literal["conservative", "direct"]


def train(
    data: str | Path | Sequence[str | Path] | Dataset,
    *,
    output: str | Path | None = None,
    descriptor: Sequence[str] = (),
    regressor: str | None = None,
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
        target: ``conservative``: forces are the negative gradient of the learned energy; ``direct``: energies and
            lab-frame force vectors are fitted separately (thesis, section 3.2.1), to compare with, not for MD.
        preset: ``accurate``, ``fast`` or ``reference``, see ``rfp_md.presets``: descriptors, regressor and number of
            features, where they are not given.
        n_train, n_valid, split, seed: see ``rfp_md.splits.split_frames``; the validation frames choose the
            hyper-parameters and then join the last solve.
        learning_curve: numbers of training frames to fit to as well, see ``rfp_md.learning_curve``.
        time_budget: ``90s``, ``5min`` or ``1h``: the number of features is the largest whose fit is estimated to take
            no longer, see ``rfp_md.regressors.budget``.
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
    task = _Task(
        dataset=dataset,
        valid=valid_indices,
        terms=descriptor or chosen.terms(dataset),
        width=None if descriptor or regressor or time_budget else chosen.width,
        regressor=specification,
        target=target,
        time_budget=time_budget,
        split={"kind": split, "seed": seed},
        rng=rng,
        progress=progress,
    )
    if learning_curve is not None:
        from rfp_md import learning_curve as curve

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
        from rfp_md.artifact import save

        save(potential, output)
    return potential


@dataclass(frozen=True, eq=False)
class _Task:
    """What fits to different numbers of the training frames have in common; all of it was checked.

    Attributes:
        valid: indices of the validation frames.
        terms, regressor: as the user names them, or the preset.
        width: the preset's number of features for so many frames; None: the regressor chooses.
        time_budget: what the width is chosen by, if anything.
        split: its kind and seed, for the record.
        rng: every fit begins with this state, so that none depends on those before it.
    """

    dataset: Dataset
    valid: Ints
    terms: Sequence[str]
    width: Callable[[Dataset], int | None] | None
    regressor: str
    target: Target
    time_budget: str | None
    split: dict[str, Any]
    rng: np.random.Generator
    progress: Progress

    def fit(self, train: Ints) -> Potential:
        """A potential of the frames with these indices."""
        rng, progress = copy.deepcopy(self.rng), self.progress
        (terms, widths), model = make_terms(self.terms), make_regressor(self.regressor)
        conservative = self.target == "conservative"
        training, validation = self.dataset.select(train), self.dataset.select(self.valid)
        _check_elements(training, validation)
        if self.width is not None and (width := self.width(training)) is not None:
            widths = [width // len(terms)] * len(terms)
        for term in terms:
            _fit_term(term, training, conservative and model.smooth, progress)
        if conservative and not model.smooth:
            progress.message("this activation has no continuous derivative: the model is fitted to energies only")
        baseline = Baseline.fit(training)
        forces = None if conservative else make_regressor(self.regressor)
        models: list[tuple[str, Regressor, Outputs | None]] = [("", model, None)]
        if forces is not None:
            models = [("energy_", model, "energies"), ("force_", forces, "forces")]
        fitted: dict[str, Any] = {}
        for prefix, one, outputs in models:
            parts = [DescribedFrames(part, terms, baseline, outputs) for part in (training, validation)]
            if self.time_budget is not None:
                widths = _affordable(one, parts, len(terms), self.time_budget, progress)
            report = fit(one, parts, widths, rng, progress, outputs=outputs is not None)
            fitted |= {prefix + key: value for key, value in report.items()}
        leakage = audit(Fingerprints.of(training), Fingerprints.of(validation))
        if leakage.leaks:
            progress.message(f"warning: the validation frames leak: {leakage.summary}")
        first = training.blocks[0]
        lowest = int(np.argmin(Dataset((first,)).energies))
        return Potential(
            baseline=baseline,
            descriptors=terms,
            regressor=model,
            force_regressor=forces,
            reference=first[lowest : lowest + 1].at(first.positions[lowest : lowest + 1]),
            record=self._record(len(train), widths, fitted, leakage),
            split={"train": np.sort(train), "valid": self.valid},
            fingerprints=Fingerprints.of(Dataset((*training, *validation))),
        )

    def _record(
        self, n_train: int, widths: Sequence[int | None], fitted: dict[str, Any], leakage: Leakage
    ) -> dict[str, Any]:
        """How a model was made, for its file."""
        return {
            "target": self.target,
            "data": {
                "files": self.dataset.sources,
                "sha256": self.dataset.fingerprint(),
                "frames": len(self.dataset),
                "one_composition": self.dataset.has_one_composition,
            },
            "leakage": leakage.as_dict(),
            "split": {**self.split, "n_train": n_train, "n_valid": len(self.valid)},
            "widths": list(widths),
            "fit": fitted,
        }


def fit(
    regressor: Regressor,
    samples: Sequence[Samples],
    widths: Sequence[int | None],
    rng: np.random.Generator,
    progress: Progress,
    *,
    outputs: bool = False,
) -> dict[str, Any]:
    """Fit a regressor to training and validation samples, and check what it leaves behind.

    Args:
        outputs: the fit of a direct model.
    """
    method = "fit_outputs" if outputs else "fit"
    report: dict[str, Any] = call(
        regressor, method, lambda: getattr(regressor, method)(*samples, widths, rng, progress)
    )
    check_fitted(regressor, report)
    return report


def _fit_term(term: Descriptor, training: Dataset, forces: bool, progress: Progress) -> None:
    """Fit one descriptor, refuse early what it cannot do, and look whether it keeps what it declares.

    Args:
        forces: whether its derivatives will be needed.
    """
    if forces and not term.capabilities.differentiable:
        raise UserError(
            f"descriptor '{term.name}' does not declare differentiable, so that forces cannot be fitted with it; "
            "use another one, or a regressor for energies only (rfnn:activation=relu)"
        )
    if term.capabilities.fixed_composition:
        training.one_composition(f"descriptor '{term.name}'")
    if periodic := next((block for block in training if block.periodic), None):
        check_periodic([term], periodic)
    call(term, "fit", lambda: term.fit(training))
    check_fitted(term)
    check_declared(term, training.blocks[0])
    if forces and term.capabilities.piecewise:
        progress.message(f"warning: descriptor '{term.name}' is not smooth everywhere; do not run MD with this model")


def _check_elements(training: Dataset, validation: Dataset) -> None:
    """Raise UserError for validation frames that the training frames say nothing about."""
    known, asked = ({int(z) for block in part for z in block.numbers} for part in (training, validation))
    if missing := sorted(asked - known):
        raise UserError(
            f"{validation.sources}: the validation frames have {formula(missing)}, but none of the {len(training)} "
            "training frames has; train on more frames, or choose them with --split FILE"
        )


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


def _affordable(
    model: Regressor, parts: Sequence[Samples], n_terms: int, budget: str, progress: Progress
) -> list[int | None]:
    """The widths of the terms that the budget pays for."""
    from rfp_md.regressors.budget import choose_widths

    train, valid = parts
    choice = choose_widths(model, train, valid, n_terms, parse_duration(budget, "--time-budget"))
    progress.message(
        f"time budget {budget}: {sum(choice.widths)} features, whose fit should take about {choice.seconds:.0f} s"
    )
    return list(choice.widths)
