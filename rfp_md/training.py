"""From reference frames to a potential."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from rfp_md.descriptors import Descriptor
from rfp_md.errors import UserError
from rfp_md.files import check_output
from rfp_md.frames import Dataset, Floats, Frames, check_trainable, count_duplicates
from rfp_md.guard import call, check_fitted
from rfp_md.io import Units, paths_of, read
from rfp_md.potential import Baseline, Potential, check_periodic
from rfp_md.progress import Progress
from rfp_md.regressors import Batch, Samples
from rfp_md.sites import check_declared, describe
from rfp_md.specs import check_choice, make_regressor, make_terms
from rfp_md.splits import split_frames

PRESETS = {"fast": (("inverse_distances",), "random_fourier")}
Preset = Literal["fast"]
Target = Literal["conservative"]


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
        target: ``conservative``: forces are the negative gradient of the learned energy.
        preset: ``fast``: symmetrised inverse distances under Fourier features.
        n_train, n_valid, split, seed: see ``rfp_md.splits.split_frames``; the validation frames choose the
            hyper-parameters and then join the last solve.
        energy_unit, force_unit, length_unit: units of the files, where their format does not state them.

    Raises:
        UserError: bad frames, units, plugins or parameters, or a fit that does not fit into memory.
    """
    progress = progress or Progress()
    check_choice("--target", target, ("conservative",))
    check_choice("--preset", preset, tuple(PRESETS))
    if output is not None:
        check_output(output, [] if isinstance(data, Dataset) else paths_of(data))
    if seed < 0:
        raise UserError(f"--seed {seed}: must not be negative")
    terms, widths = make_terms(descriptor or PRESETS[preset][0])
    model = make_regressor(regressor or PRESETS[preset][1])
    dataset = data if isinstance(data, Dataset) else read(data, Units(energy_unit, force_unit, length_unit))
    check_trainable(dataset, forces=model.smooth)
    if duplicates := count_duplicates(dataset):
        progress.message(f"warning: {duplicates} of {len(dataset)} frames repeat an earlier frame; are they meant to?")

    rng = np.random.default_rng(seed)
    train_indices, valid_indices = split_frames(len(dataset), n_train, n_valid, split, rng)
    training, validation = dataset.select(train_indices), dataset.select(valid_indices)
    for term in terms:
        if model.smooth and not term.capabilities.differentiable:
            raise UserError(
                f"descriptor '{term.name}' does not declare differentiable, so that forces cannot be fitted with it; "
                "use another one, or a regressor for energies only (rfnn:activation=relu)"
            )
        if term.capabilities.fixed_composition:
            dataset.one_composition(f"descriptor '{term.name}'")
        if periodic := next((block for block in dataset if block.periodic), None):
            check_periodic([term], periodic)
        call(term, "fit", lambda term=term: term.fit(training))  # type: ignore[misc]
        check_fitted(term)
        check_declared(term, training.blocks[0])
        if term.capabilities.piecewise:
            progress.message(
                f"warning: descriptor '{term.name}' is not smooth everywhere; do not run MD with this model"
            )
    if not model.smooth:
        progress.message("this activation has no continuous derivative: the model is fitted to energies only")
    baseline = Baseline.fit(training)
    train_samples, valid_samples = (DescribedFrames(part, terms, baseline) for part in (training, validation))
    fitted = call(model, "fit", lambda: model.fit(train_samples, valid_samples, widths, rng, progress))
    check_fitted(model, fitted)
    same = all(np.array_equal(block.numbers, dataset.blocks[0].numbers) for block in dataset)
    record = {
        "target": target,
        "data": {
            "files": dataset.sources,
            "sha256": dataset.fingerprint(),
            "frames": len(dataset),
            "one_composition": same,
        },
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
        reference=first[lowest : lowest + 1].at(first.positions[lowest : lowest + 1]),
        record=record,
        split={"train": train_indices, "valid": valid_indices},
    )
    if output is not None:
        from rfp_md.artifact import save

        save(potential, output)
    return potential


class DescribedFrames(Samples):
    """Structures as a regressor sees them: sites, energies without the baseline, slopes −F."""

    def __init__(self, dataset: Dataset, descriptors: Sequence[Descriptor], baseline: Baseline) -> None:
        self._dataset, self._descriptors, self._baseline = dataset, descriptors, baseline

    def __len__(self) -> int:
        return len(self._dataset)

    @property
    def n_coordinates(self) -> int:
        return 3 * max(block.n_atoms for block in self._dataset)

    @property
    def n_strains(self) -> int:
        return 9 if any(block.stresses is not None for block in self._dataset) else 0

    def some(self, most: int, rng: np.random.Generator) -> Samples:
        if len(self) <= most:
            return self
        chosen = rng.choice(len(self), most, replace=False)
        return DescribedFrames(self._dataset.select(chosen), self._descriptors, self._baseline)

    def batches(self, size: int, *, derivatives: bool) -> Iterator[Batch]:
        for block in self._dataset:
            for start in range(0, len(block), size):
                part = block[start : start + size]
                terms = [describe(term, part, derivatives=derivatives) for term in self._descriptors]
                energies = Dataset((part,)).energies - self._baseline(part.numbers)
                if derivatives:
                    yield Batch(terms, energies, *_slopes(part), part.positions.reshape(len(part), -1))
                else:
                    yield Batch(terms, energies)


def _slopes(frames: Frames) -> tuple[Floats | None, Floats | None]:
    """dE/dr = −F (M, 3N), eV/Å, and dE/dstrain = V σ (M, 9), eV, where the frames have them."""
    forces, stresses = frames.forces, frames.stresses
    slopes = None if forces is None else -forces.reshape(len(frames), -1)
    if stresses is None or frames.cells is None:
        return slopes, None
    return slopes, (frames.volumes[:, None, None] * stresses).reshape(len(frames), -1)
