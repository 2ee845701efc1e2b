"""How far a potential is from reference frames."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rfp_md.artifact import load
from rfp_md.errors import UserError
from rfp_md.files import check_output
from rfp_md.frames import Floats
from rfp_md.io import Units, paths_of, read


def evaluate(
    model: str | Path,
    data: str | Path | Sequence[str | Path],
    *,
    plot: str | Path | None = None,
    energy_unit: str | None = None,
    force_unit: str | None = None,
    length_unit: str | None = None,
) -> dict[str, Any]:
    """Errors of a model on reference frames.

    Energies are per molecule, forces per Cartesian component, both against the file as it stands: no
    shift is fitted. ``ms_per_frame`` is the median of single calls, one structure each, after a warm-up.

    Args:
        model: a ``.rfp`` file.
        data: file or files of reference frames with energies; forces where the model has forces.
        plot: a PNG for the parity plot.

    Returns:
        n_frames, energy_mae_mev, energy_rmse_mev, energy_mae_mev_per_atom, force_mae_mev_per_angstrom,
        force_rmse_mev_per_angstrom, ms_per_frame; the force errors are None where there are no forces.
    """
    if plot is not None:
        check_output(plot, [model, *paths_of(data)])
    potential = load(model)
    frames = read(data, Units(energy_unit, force_unit, length_unit)).one_composition("'rfp evaluate'")
    if frames.energies is None:
        raise UserError(f"{frames.source}: has no energies to compare with")
    pairs: dict[str, tuple[Floats, Floats]] = {}
    if potential.has_forces:
        prediction = potential.compute(frames)
        pairs["energy"] = (frames.energies, prediction.energies)
        if frames.forces is not None:
            pairs["force"] = (frames.forces, prediction.forces)
    else:
        pairs["energy"] = (frames.energies, potential.energies(frames))
    if not all(np.isfinite(predicted).all() for _, predicted in pairs.values()):
        raise UserError(f"{model}: predicts numbers that are not finite for {frames.source}")
    call = potential.compute if potential.has_forces else potential.energies
    singles = []
    for k in range(min(100, len(frames))):
        one = frames[k : k + 1]
        start = time.perf_counter()
        call(one)
        singles.append(time.perf_counter() - start)
    energy_error = 1e3 * (pairs["energy"][1] - pairs["energy"][0])
    force_error = 1e3 * (pairs["force"][1] - pairs["force"][0]) if "force" in pairs else None
    if plot is not None:
        from rfp_md.plots import plot_parity

        plot_parity(pairs, plot, title=f"{Path(model).name} on {frames.source}")
    return {
        "n_frames": len(frames),
        "energy_mae_mev": _mae(energy_error),
        "energy_rmse_mev": _rmse(energy_error),
        "energy_mae_mev_per_atom": _mae(energy_error) / frames.n_atoms,
        "force_mae_mev_per_angstrom": None if force_error is None else _mae(force_error),
        "force_rmse_mev_per_angstrom": None if force_error is None else _rmse(force_error),
        "ms_per_frame": 1e3 * float(np.median(singles)),
    }


def _mae(error: Floats) -> float:
    return float(np.abs(error).mean())


def _rmse(error: Floats) -> float:
    return float(np.sqrt(np.square(error).mean()))
