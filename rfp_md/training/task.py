"""One fit: descriptors, baselines and regressor from the training frames, and how they were made, as a potential."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rfp_md.arrays import Ints
from rfp_md.baselines.base import Baseline
from rfp_md.baselines.elements import Elements
from rfp_md.baselines.total import left_by
from rfp_md.descriptors import Descriptor
from rfp_md.descriptors.declared import check_declared
from rfp_md.direct_potential import DirectPotential
from rfp_md.errors import UserError
from rfp_md.evaluation.label_counts import count_labels, told
from rfp_md.evaluation.labels.findings import Finding
from rfp_md.evaluation.leakage import Leakage, audit
from rfp_md.frames import Dataset, Frames, check_complete, formula
from rfp_md.plugins.guard import call, check_fitted, check_periodic
from rfp_md.potential import Potential
from rfp_md.progress import Progress
from rfp_md.regressors import Regressor, Samples
from rfp_md.structures.combinations import Combinations
from rfp_md.structures.fingerprints import Fingerprints
from rfp_md.structures.shortest import ShortestDistances
from rfp_md.training.flag_values import make_baselines, make_regressor, make_terms, parse_duration
from rfp_md.training.options import Target
from rfp_md.training.prior import prior_frames
from rfp_md.training.samples import DescribedFrames, Outputs
from rfp_md.training.weights import Weight, Weighting, mean_atoms


@dataclass(frozen=True, eq=False)
class Task:
    """What fits to different numbers of the training frames have in common; all of it was checked.

    Attributes:
        valid: indices of the validation frames.
        terms, regressor: as the user names them, or the preset.
        baselines: as the user names them; each is fitted to what those before it leave.
        atom_energies: where those of ``elements`` come from.
        weights: what the labels of each kind of frames weigh.
        width: how many features the model has for so many frames; None: the regressor chooses, or the terms say.
        time_budget: what the width is chosen by, if anything.
        split: its kind and seed, for the record.
        labels: what was found wrong with the labels, for the record.
        low: frames with labels of a lower level.
        search: small fits that chose the terms, for the record.
        rng: every fit begins with this state, so that none depends on those before it.
    """

    dataset: Dataset
    valid: Ints
    terms: Sequence[str]
    width: Callable[[Dataset], int | None] | None
    regressor: str
    baselines: Sequence[str]
    atom_energies: str
    weights: Mapping[str, Weight]
    target: Target
    time_budget: str | None
    split: dict[str, Any]
    labels: Sequence[Finding]
    rng: np.random.Generator
    progress: Progress
    search: Sequence[dict[str, Any]] = ()
    low: Dataset | None = None

    def fit(self, train: Ints) -> Potential:
        """Fit a potential to the frames with these indices."""
        rng, progress = copy.deepcopy(self.rng), self.progress
        (terms, widths), model = make_terms(self.terms), make_regressor(self.regressor)
        conservative = self.target == "conservative"
        training, validation = self.dataset.select(train), self.dataset.select(self.valid)
        _check_elements(training, validation)
        fitted_to = Dataset((*training, *validation))
        every = fitted_to if self.low is None else Dataset((*self.low, *fitted_to))
        shortest = ShortestDistances.of(every)
        if self.width is not None and (width := self.width(training)) is not None:
            if width < len(terms):
                raise UserError(
                    f"--width {width}: is less than a feature for each of the {len(terms)} terms; give more"
                )
            widths = [width // len(terms) + (k < width % len(terms)) for k in range(len(terms))]
        baselines = make_baselines(self.baselines)
        _check_seen([*baselines, *terms], fitted_to)
        baselines = _fit_baselines(baselines, training)
        self._tell_atom_energies(baselines)
        described = training if self.low is None else Dataset((*self.low, *training))
        for term in terms:
            _fit_term(term, described, conservative and model.smooth, progress)
        if conservative and not model.smooth:
            progress.message("this activation has no continuous derivative: the model is fitted to energies only")
        forces = None if conservative else make_regressor(self.regressor)
        models: list[tuple[str, Regressor, Outputs | None]] = [("", model, None)]
        if forces is not None:
            models = [("energy_", model, "energies"), ("force_", forces, "forces")]
        weighting = self._weighting(training, model)
        to_learn = [weighting.of(left_by(baselines, part)) for part in (training, validation)]
        both = Dataset((*to_learn[0], *to_learn[1]))
        counts = count_labels(both, weighed=True) if conservative and model.smooth else {}
        if counts:
            progress.message(f"fitted to {told(counts)}")
        fitted: dict[str, Any] = {}
        for prefix, one, outputs in models:
            prior = prior_frames(training, baselines, terms) if outputs is None else None
            low = self._of_low_level(baselines, weighting, terms)
            parts = [
                DescribedFrames(to_learn[0], terms, outputs, prior, low),
                DescribedFrames(to_learn[1], terms, outputs),
            ]
            if self.time_budget is not None:
                widths = _affordable(one, parts, len(terms), self.time_budget, progress)
            report = fit(one, parts, widths, rng, progress, outputs=outputs is not None)
            fitted |= {prefix + key: value for key, value in report.items()}
        leakage = audit(Fingerprints.of(training), Fingerprints.of(validation))
        if leakage.leaks:
            progress.message(f"warning: the validation frames leak: {leakage.summary}")
        model_of: dict[str, Any] = {
            "elements": sorted({int(z) for block in training for z in block.numbers}),
            "baselines": baselines,
            "descriptors": terms,
            "regressor": model,
            "reference": _typical(training),
            "record": self._record(len(train), widths, fitted, leakage, counts),
            "split": {"train": np.sort(train), "valid": self.valid},
            "fingerprints": Fingerprints.of(fitted_to),
            "shortest": shortest,
        }
        return Potential(**model_of) if forces is None else DirectPotential(**model_of, force_regressor=forces)

    def _of_low_level(
        self, baselines: Sequence[Baseline], weighting: Weighting, terms: Sequence[Descriptor]
    ) -> DescribedFrames | None:
        """The frames of the low level, less the same baselines but for the energies of atoms, which are the level's."""
        if self.low is None:
            return None
        of_level: list[Baseline] = []
        for baseline in baselines:
            if isinstance(baseline, Elements):
                baseline = Elements(atoms="")
                baseline.fit(left_by(of_level, self.low))
            of_level.append(baseline)
        return DescribedFrames(weighting.of(left_by(of_level, self.low)), terms)

    def _tell_atom_energies(self, baselines: Sequence[Baseline]) -> None:
        """Say the energies of atoms, where the frames or the user determine them."""
        for baseline in baselines:
            if isinstance(baseline, Elements) and (len(self.dataset.blocks) > 1 or baseline.atoms):
                said = zip(baseline.state["elements"].tolist(), baseline.state["energies"].tolist(), strict=True)
                energies = ", ".join(f"{formula([z])} {energy:.4g}" for z, energy in said)
                self.progress.message(f"energies of atoms, eV: {energies} ({self.atom_energies})")

    def _weighting(self, training: Dataset, model: Regressor) -> Weighting:
        """What labels weigh. Raises UserError for frames that a regressor without weights cannot be fitted to."""
        needed_by = f"regressor '{model.name}'" if self.target == "conservative" else "--target direct"
        if self.target == "conservative" and model.takes_weights:
            return Weighting(self.weights, mean_atoms(training))
        check_complete(self.dataset, needed_by, forces=model.smooth or self.target == "direct")
        if self.weights or any(block.weights is not None for block in self.dataset):
            raise UserError(f"{needed_by} takes all labels alike; leave --weight out, and weights in the file")
        return Weighting({})

    def _record(
        self,
        n_train: int,
        widths: Sequence[int | None],
        fitted: dict[str, Any],
        leakage: Leakage,
        counts: dict[str, list[int]],
    ) -> dict[str, Any]:
        """How a model was made, for its file."""
        weights = {kind: list(weight) for kind, weight in self.weights.items()}
        return {
            "target": self.target,
            "data": {
                "files": self.dataset.sources,
                "sha256": self.dataset.fingerprint(),
                "frames": len(self.dataset),
                "one_composition": self.dataset.has_one_composition,
            },
            "leakage": leakage.as_dict(),
            **({"labels": [finding.as_dict() for finding in self.labels]} if self.labels else {}),
            "split": {**self.split, "n_train": n_train, "n_valid": len(self.valid)},
            "widths": list(widths),
            **({"weights": weights} if weights else {}),
            "atom_energies": self.atom_energies,
            **({"low_level": {"files": self.low.sources, "frames": len(self.low)}} if self.low is not None else {}),
            "combinations": [
                sorted(elements) for elements in Combinations.of(Dataset((*self.dataset, *(self.low or ())))).sets
            ],
            **({"search": list(self.search)} if self.search else {}),
            **({"label_counts": counts} if counts else {}),
            "fit": fitted,
        }


def _typical(training: Dataset) -> Frames:
    """Choose the structure that a model starts from: of the composition that most atoms are in, the lowest energy.

    Not of the first frame's: sets for many structures begin with isolated atoms, of which nothing can be judged.
    """
    atoms: Counter[bytes] = Counter()
    for block in training:
        atoms[block.numbers.tobytes()] += len(block) * block.n_atoms
    most = atoms.most_common(1)[0][0]
    alike = [block for block in training if block.numbers.tobytes() == most]
    energies = [np.zeros(len(block)) if block.energies is None else block.energies for block in alike]
    found = min(range(len(alike)), key=lambda k: float(energies[k].min()))
    block, lowest = alike[found], int(np.argmin(energies[found]))
    return block[lowest : lowest + 1].at(block.positions[lowest : lowest + 1])


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


def _fit_baselines(baselines: Sequence[Baseline], training: Dataset) -> list[Baseline]:
    """Fit each to what those before it leave."""
    fitted: list[Baseline] = []
    for baseline in baselines:
        left = left_by(fitted, training)
        call(baseline, "fit", lambda baseline=baseline, left=left: baseline.fit(left))  # type: ignore[misc]
        check_fitted(baseline)
        fitted.append(baseline)
    return fitted


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
    call(term, "fit", lambda: term.fit(training))
    check_fitted(term)
    check_declared(term, training.blocks[0])
    if forces and term.capabilities.piecewise:
        progress.message(f"warning: descriptor '{term.name}' is not smooth everywhere; do not run MD with this model")


def _check_seen(plugins: Sequence[Baseline | Descriptor], frames: Dataset) -> None:
    """Raise UserError for training or validation frames that a plugin cannot see, or not in their order of atoms."""
    if periodic := next((block for block in frames if block.periodic), None):
        check_periodic(plugins, periodic)
    first = frames.blocks[0]
    others = [block for block in frames if not np.array_equal(block.numbers, first.numbers)]
    for plugin in plugins:
        if others and isinstance(plugin, Descriptor) and plugin.capabilities.fixed_composition:
            Dataset((first, others[0])).one_composition(f"descriptor '{plugin.name}'")


def _check_elements(training: Dataset, validation: Dataset) -> None:
    """Raise UserError for validation frames that the training frames say nothing about."""
    known, asked = ({int(z) for block in part for z in block.numbers} for part in (training, validation))
    if missing := sorted(asked - known):
        raise UserError(
            f"{validation.sources}: the validation frames have {formula(missing)}, but none of the {len(training)} "
            "training frames has; train on more frames, or choose them with --split FILE"
        )


def _affordable(
    model: Regressor, parts: Sequence[Samples], n_terms: int, budget: str, progress: Progress
) -> list[int | None]:
    """The widths of the terms that the budget pays for."""
    from rfp_md.training.budget import choose_widths

    train, valid = parts
    choice = choose_widths(model, train, valid, n_terms, parse_duration(budget, "--time-budget"))
    progress.message(
        f"time budget {budget}: {sum(choice.widths)} features, whose fit should take about {choice.seconds:.0f} s"
    )
    return list(choice.widths)
