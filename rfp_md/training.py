"""From reference frames to a potential."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from rfp_md.described import DescribedFrames, Outputs
from rfp_md.descriptors import Descriptor
from rfp_md.errors import UserError
from rfp_md.files import check_output
from rfp_md.frames import Dataset, check_trainable, count_duplicates
from rfp_md.guard import call, check_fitted
from rfp_md.io import Units, paths_of, read
from rfp_md.leakage import Fingerprints, audit
from rfp_md.potential import Baseline, Potential, check_periodic
from rfp_md.progress import Progress
from rfp_md.regressors import Regressor, Samples
from rfp_md.sites import check_declared
from rfp_md.specs import check_choice, make_regressor, make_terms
from rfp_md.splits import split_frames

PRESETS = {"fast": (("inverse_distances",), "random_fourier")}
Preset = Literal["fast"]
Target = Literal["conservative", "direct"]


def train(
    data: str | Path | Sequence[str | Path] | Dataset,
    *,
    output: str | Path | None = None,
    descriptor: Sequence[str] = (),
    regressor: str | None = None,
    target: Target = "conservative",
    preset: Preset = "fast",
    n_train: int | None = None,
    n_valid: int | None = None,
    split: str = "random",
    seed: int = 0,
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
        preset: ``fast``: symmetrised inverse distances under Fourier features.
        n_train, n_valid, split, seed: see ``rfp_md.splits.split_frames``; the validation frames choose the
            hyper-parameters and then join the last solve.
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
    terms, widths = make_terms(descriptor or PRESETS[preset][0])
    model = make_regressor(regressor or PRESETS[preset][1])
    dataset = data if isinstance(data, Dataset) else read(data, Units(energy_unit, force_unit, length_unit))
    if not model.takes_width and any(width is not None for width in widths):
        raise UserError(f"regressor '{model.name}' has no width to choose; leave width=… out")
    if "width" in model.model_fields_set and all(width is not None for width in widths):
        raise UserError(
            f"--regressor {regressor}: its width has no effect, for every --descriptor has a width of its own; "
            "leave one of them out"
        )
    conservative = target == "conservative"
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
    training, validation = dataset.select(train_indices), dataset.select(valid_indices)
    for term in terms:
        _fit_term(term, training, conservative and model.smooth, progress)
    if conservative and not model.smooth:
        progress.message("this activation has no continuous derivative: the model is fitted to energies only")
    baseline = Baseline.fit(training)
    forces = None if conservative else make_regressor(regressor or PRESETS[preset][1])
    models: list[tuple[str, Regressor, Outputs | None]] = [("", model, None)]
    if forces is not None:
        models = [("energy_", model, "energies"), ("force_", forces, "forces")]
    fitted: dict[str, Any] = {}
    for prefix, one, outputs in models:
        parts = [DescribedFrames(part, terms, baseline, outputs) for part in (training, validation)]
        report = fit(one, parts, widths, rng, progress, outputs=outputs is not None)
        fitted |= {prefix + key: value for key, value in report.items()}
    leakage = audit(Fingerprints.of(training), Fingerprints.of(validation))
    if leakage.leaks:
        progress.message(f"warning: the validation frames leak: {leakage.summary}")
    same = all(np.array_equal(block.numbers, dataset.blocks[0].numbers) for block in dataset)
    record = {
        "target": target,
        "data": {
            "files": dataset.sources,
            "sha256": dataset.fingerprint(),
            "frames": len(dataset),
            "one_composition": same,
        },
        "leakage": leakage.as_dict(),
        "split": {"kind": split, "seed": seed, "n_train": len(train_indices), "n_valid": len(valid_indices)},
        "widths": list(widths),
        "fit": fitted,
    }
    first = training.blocks[0]
    lowest = int(np.argmin(Dataset((first,)).energies))
    potential = Potential(
        baseline=baseline,
        descriptors=terms,
        regressor=model,
        force_regressor=forces,
        reference=first[lowest : lowest + 1].at(first.positions[lowest : lowest + 1]),
        record=record,
        split={"train": train_indices, "valid": valid_indices},
        fingerprints=Fingerprints.of(Dataset((*training, *validation))),
    )
    if output is not None:
        from rfp_md.artifact import save

        save(potential, output)
    return potential


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
