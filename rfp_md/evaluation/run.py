"""How far a potential is from reference frames."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rfp_md.arrays import Floats, Ints
from rfp_md.artifact.file import load
from rfp_md.baselines.total import total_energies
from rfp_md.errors import UserError
from rfp_md.evaluation.label_counts import count_labels, told
from rfp_md.evaluation.labels.findings import named
from rfp_md.evaluation.labels.molecules import other_orders
from rfp_md.evaluation.leakage import audit
from rfp_md.evaluation.options import EvaluateOptions
from rfp_md.evaluation.reliability import Pair, compare, joined, summary
from rfp_md.files.safe_write import check_output
from rfp_md.frames import Dataset, Frames, missing
from rfp_md.io import paths_of
from rfp_md.potential import Potential
from rfp_md.structures.fingerprints import Fingerprints
from rfp_md.verbs import with_options


@with_options(EvaluateOptions)
def evaluate(options: EvaluateOptions) -> dict[str, Any]:
    """Errors of a model on reference frames.

    Energies are per molecule, forces per Cartesian component, both against the file as it stands: no shift is fitted.
    Energies, forces and stresses are compared where there are any. ``ms_per_frame`` is the median of single calls, one
    structure each, after a warm-up.

    Returns:
        n_frames, energy_mae_mev, energy_rmse_mev, the same two per_atom, force_mae_mev_per_angstrom,
        force_rmse_mev_per_angstrom, stress_mae_mev_per_angstrom3, stress_rmse_mev_per_angstrom3, by_config_type (a list
        with the same errors for each, empty where the frames have none), ms_per_frame, leakage, notes. Errors are None
        where there is nothing to compare; notes say what was chosen among labels and how many there are; leakage says
        which of these frames the model was fitted to (rfp_md.evaluation.leakage), None where the file does not know its
        training frames. With ``uncertainty``, that too: see ``rfp_md.evaluation.reliability.summary``.
    """
    if options.plot is not None:
        check_output(options.plot, [options.model, *paths_of(options.data)])
    potential = load(options.model)
    dataset = options.read(options.data)
    pairs = pairs_of(potential, dataset, options.model)
    judged = compare(potential, dataset) if options.uncertainty else None
    _plot(options, pairs, judged)
    known = potential.fingerprints
    return {
        **error_figures(pairs, dataset),
        "ms_per_frame": _milliseconds(potential, dataset.blocks[0]),
        "leakage": known and audit(known, Fingerprints.of(dataset)).as_dict(),
        "notes": [*dataset.notes, *notes_on_labels(dataset), *_other_order(potential, dataset)],
        **({"uncertainty": summary(judged)} if judged is not None else {}),
    }


def notes_on_labels(dataset: Dataset) -> list[str]:
    """How many labels there are to compare with, where frames lack some."""
    counts = count_labels(dataset, weighed=False)
    return [f"compared with {told(counts)}"] if counts else []


def _other_order(potential: Potential, dataset: Dataset) -> list[str]:
    """What is to be said of frames whose atoms are not in the model's order, which its errors are then about."""
    frames = other_orders(potential.reference, dataset) if potential.fixed_composition else []
    if not frames:
        return []
    return [
        f"{dataset.sources}: {len(frames)} frames have their atoms in another order than the model ({named(frames)})"
    ]


def _plot(options: EvaluateOptions, pairs: dict[str, Pair], judged: dict[str, Pair] | None) -> None:
    """The picture that was asked for, if any."""
    if options.plot is None:
        return
    from rfp_md.evaluation import plots

    title = f"{Path(options.model).name} on {', '.join(str(path) for path in paths_of(options.data))}"
    if judged is not None:
        plots.plot_reliability(judged, options.plot, title)
    else:
        plots.plot_parity(pairs, options.plot, title)


def pairs_of(potential: Potential, dataset: Dataset, model: str | Path) -> dict[str, Pair]:
    """Reference and prediction of all frames in their order, flat, of whatever both have.

    Args:
        model: the potential's file, for messages.

    Returns:
        ``energy`` without the model's baselines (eV), and where there are any ``force`` (eV/Å) and ``stress``
        (eV/Å³), of the frames that have them.

    Raises:
        UserError: frames without any label that the model predicts, or a prediction that is not finite.
    """
    pairs = joined([_compare(potential, block) for block in dataset])
    if not pairs:
        raise UserError(missing(dataset, "energies", "there is nothing to compare with"))
    if not all(np.isfinite(predicted).all() for _, predicted in pairs.values()):
        raise UserError(f"{model}: predicts numbers that are not finite for {dataset.sources}")
    return pairs


def error_figures(pairs: dict[str, Pair], dataset: Dataset) -> dict[str, Any]:
    """The errors that ``evaluate`` returns, of what ``pairs_of`` found."""
    everything = np.ones(len(dataset), dtype=bool)
    return {**_figures(pairs, dataset, everything), "by_config_type": _of_kinds(pairs, dataset)}


def count_components(dataset: Dataset) -> dict[str, Ints]:
    """How many numbers of each label every frame has (M,), in the order of ``pairs_of``."""
    return {
        "energy": np.concatenate([np.full(len(block), int(block.energies is not None)) for block in dataset]),
        "force": np.concatenate([3 * block.known_forces.sum(axis=1) for block in dataset]),
        "stress": np.concatenate([np.full(len(block), 9 * int(_has_stresses(block))) for block in dataset]),
    }


def _figures(pairs: dict[str, Pair], dataset: Dataset, chosen: NDArray[np.bool_]) -> dict[str, Any]:
    """The errors of the chosen frames (M,), in meV, meV/Å and meV/Å³."""
    counts = count_components(dataset)
    errors = {name: np.zeros(0) for name in counts}
    for name, (reference, predicted) in pairs.items():
        errors[name] = (1e3 * (predicted - reference))[np.repeat(chosen, counts[name])]
    n_atoms = np.concatenate([np.full(len(block), block.n_atoms) for block in dataset])
    of_energies = n_atoms[chosen & (counts["energy"] > 0)]
    energies, forces, stresses = errors["energy"], errors["force"], errors["stress"]
    return {
        "n_frames": int(chosen.sum()),
        "energy_mae_mev": _mae(energies),
        "energy_rmse_mev": _rmse(energies),
        "energy_mae_mev_per_atom": _mae(energies / of_energies),
        "energy_rmse_mev_per_atom": _rmse(energies / of_energies),
        "force_mae_mev_per_angstrom": _mae(forces),
        "force_rmse_mev_per_angstrom": _rmse(forces),
        "stress_mae_mev_per_angstrom3": _mae(stresses),
        "stress_rmse_mev_per_angstrom3": _rmse(stresses),
    }


def _of_kinds(pairs: dict[str, Pair], dataset: Dataset) -> list[dict[str, Any]]:
    """The same figures for each ``config_type`` of the frames, in their order; empty where no frame has one."""
    if all(block.kinds is None for block in dataset):
        return []
    kinds = np.concatenate([np.full(len(block), "") if block.kinds is None else block.kinds for block in dataset])
    return [{"config_type": kind or "none", **_figures(pairs, dataset, kinds == kind)} for kind in dict.fromkeys(kinds)]


def _has_stresses(frames: Frames) -> bool:
    return frames.stresses is not None and frames.cells is not None


def _compare(potential: Potential, frames: Frames) -> dict[str, tuple[Floats, Floats]]:
    """Reference and prediction, flat, of whatever both have; energies without the model's baselines."""
    potential.check(frames)
    prediction = potential.compute(frames) if potential.has_forces else None
    pairs = {}
    if frames.energies is not None:
        baseline = total_energies(potential.baselines, frames)
        energies = potential.energies(frames) if prediction is None else prediction.energies
        pairs["energy"] = (frames.energies - baseline, energies - baseline)
    if prediction is None:
        return pairs
    if frames.forces is not None:
        known = frames.known_forces
        pairs["force"] = (frames.forces[known].ravel(), prediction.forces[known].ravel())
    if frames.stresses is not None and _has_stresses(frames):
        stresses = -prediction.virials / frames.volumes[:, None, None]
        pairs["stress"] = (frames.stresses.ravel(), stresses.ravel())
    return pairs


def _milliseconds(potential: Potential, frames: Frames) -> float:
    """Median time of single calls; the model is warm from the comparison."""
    call = potential.compute if potential.has_forces else potential.energies
    times = []
    for k in range(min(100, len(frames))):
        one = frames[k : k + 1]
        start = time.perf_counter()
        call(one)
        times.append(time.perf_counter() - start)
    return 1e3 * float(np.median(times))


def _mae(error: Floats) -> float | None:
    return float(np.abs(error).mean()) if len(error) else None


def _rmse(error: Floats) -> float | None:
    return float(np.sqrt(np.square(error).mean())) if len(error) else None
