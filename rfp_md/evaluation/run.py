"""How far a potential is from reference frames."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from rfp_md.arrays import Floats
from rfp_md.artifact.file import load
from rfp_md.baselines.total import total_energies
from rfp_md.errors import UserError
from rfp_md.evaluation.leakage import audit
from rfp_md.evaluation.options import EvaluateOptions
from rfp_md.evaluation.reliability import Pair, compare, summary
from rfp_md.files.safe_write import check_output
from rfp_md.frames import Dataset, Frames
from rfp_md.io import paths_of, read
from rfp_md.potential import Potential
from rfp_md.structures.fingerprints import Fingerprints
from rfp_md.verbs import with_options


@with_options(EvaluateOptions)
def evaluate(options: EvaluateOptions) -> dict[str, Any]:
    """Errors of a model on reference frames.

    Energies are per molecule, forces per Cartesian component, both against the file as it stands: no shift is fitted.
    The frames have energies, and forces where the model has forces. ``ms_per_frame`` is the median of single calls, one
    structure each, after a warm-up.

    Returns:
        n_frames, energy_mae_mev, energy_rmse_mev, energy_mae_mev_per_atom, force_mae_mev_per_angstrom,
        force_rmse_mev_per_angstrom, stress_mae_mev_per_angstrom3, ms_per_frame, leakage; errors of forces and
        stresses are None where there are none to compare; leakage says which of these frames the model was
        fitted to (rfp_md.evaluation.leakage), None where the file does not know its training frames. With
        ``uncertainty``, that too: see ``rfp_md.evaluation.reliability.summary``.
    """
    if options.plot is not None:
        check_output(options.plot, [options.model, *paths_of(options.data)])
    potential = load(options.model)
    dataset = read(options.data, options.units, stresses=not options.no_stress)
    pairs = pairs_of(potential, dataset, options.model)
    judged = compare(potential, dataset) if options.uncertainty else None
    _plot(options, pairs, judged)
    known = potential.fingerprints
    return {
        **error_figures(pairs, dataset),
        "ms_per_frame": _milliseconds(potential, dataset.blocks[0]),
        "leakage": known and audit(known, Fingerprints.of(dataset)).as_dict(),
        **({"uncertainty": summary(judged)} if judged is not None else {}),
    }


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
        ``energy`` without the model's baselines (eV), and where there are any ``force`` (eV/Å) and ``stress`` (eV/Å³).

    Raises:
        UserError: frames without energies, some with forces or stresses and some without, or a prediction that is not
            finite.
    """
    comparisons = [_compare(potential, block) for block in dataset]
    if any(set(comparison) != set(comparisons[0]) for comparison in comparisons):
        raise UserError(f"{dataset.sources}: some frames have forces or stresses and some have not; split the file")
    pairs = {
        name: (
            np.concatenate([comparison[name][0] for comparison in comparisons]),
            np.concatenate([comparison[name][1] for comparison in comparisons]),
        )
        for name in comparisons[0]
    }
    if not all(np.isfinite(predicted).all() for _, predicted in pairs.values()):
        raise UserError(f"{model}: predicts numbers that are not finite for {dataset.sources}")
    return pairs


def error_figures(pairs: dict[str, Pair], dataset: Dataset) -> dict[str, Any]:
    """The errors that ``evaluate`` returns, of what ``pairs_of`` found."""
    errors = {name: 1e3 * (predicted - reference) for name, (reference, predicted) in pairs.items()}
    n_atoms = np.concatenate([np.full(len(block), block.n_atoms) for block in dataset])
    forces, stresses = errors.get("force"), errors.get("stress")
    return {
        "n_frames": len(dataset),
        "energy_mae_mev": _mae(errors["energy"]),
        "energy_rmse_mev": _rmse(errors["energy"]),
        "energy_mae_mev_per_atom": _mae(errors["energy"] / n_atoms),
        "force_mae_mev_per_angstrom": None if forces is None else _mae(forces),
        "force_rmse_mev_per_angstrom": None if forces is None else _rmse(forces),
        "stress_mae_mev_per_angstrom3": None if stresses is None else _mae(stresses),
    }


def _compare(potential: Potential, frames: Frames) -> dict[str, tuple[Floats, Floats]]:
    """Reference and prediction, flat, of whatever both have; energies without the model's baselines."""
    if frames.energies is None:
        raise UserError(f"{frames.source}: has no energies to compare with")
    potential.check(frames)
    baseline = total_energies(potential.baselines, frames)
    if not potential.has_forces:
        return {"energy": (frames.energies - baseline, potential.energies(frames) - baseline)}
    prediction = potential.compute(frames)
    pairs = {"energy": (frames.energies - baseline, prediction.energies - baseline)}
    if frames.forces is not None:
        pairs["force"] = (frames.forces.ravel(), prediction.forces.ravel())
    if frames.stresses is not None and frames.cells is not None:
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


def _mae(error: Floats) -> float:
    return float(np.abs(error).mean())


def _rmse(error: Floats) -> float:
    return float(np.sqrt(np.square(error).mean()))
