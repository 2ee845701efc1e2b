"""How much more frames would help: validation errors of fits to ever more of the training frames."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from rfp_md.arrays import Ints
from rfp_md.artifact.file import save
from rfp_md.errors import UserError
from rfp_md.files.safe_write import check_output, replacing
from rfp_md.potential import Potential
from rfp_md.progress import Progress

# What a point of the curve shows, and what regressors call it, in eV; the second names are those of a direct fit.
FIGURES = {
    "valid_energy_mae_mev": ("valid_energy_mae_ev", "energy_valid_mae"),
    "valid_force_mae_mev_per_angstrom": ("valid_force_mae_ev_per_angstrom", "force_valid_mae"),
}


def learning_curve(
    fit: Callable[[Ints], Potential],
    train: Ints,
    sizes: Sequence[int],
    *,
    n_valid: int,
    rng: np.random.Generator,
    output: str | Path | None = None,
    progress: Progress | None = None,
) -> Potential:
    """Fit to nested subsets of the training frames, and at last to all of them.

    The validation frames, always the same, judge each fit before they join its last solve. They choose its
    hyper-parameters too, so that the errors are a little better than on frames that chose nothing.

    Args:
        fit: makes a potential from the frames with these indices.
        train: indices of all training frames.
        sizes: of the subsets, each of which holds the smaller ones.
        n_valid: number of validation frames, for the record.
        output: the ``.rfp`` file of the last potential; beside it ``.learning_curve.json``, written anew after
            each fit, and ``.learning_curve.png``.

    Returns:
        The potential of all training frames, with the curve in its record.

    Raises:
        UserError: a size that there are not enough frames for, or a regressor that reports no validation errors.
    """
    progress = progress or Progress()
    _check_sizes(sizes, len(train), n_valid)
    if output is not None:
        for ending in ("json", "png"):
            check_output(beside(output, ending))
    order = rng.permutation(train)
    points: list[dict[str, Any]] = []
    for size in sorted({*sizes, len(train)}):
        progress.section(f"learning curve: {size} of {len(train)} training frames")
        potential = fit(order[:size])
        points.append(_point(size, potential))
        curve = {"n_valid": n_valid, "points": points}
        potential = replace(potential, record=potential.record | {"learning_curve": curve})
        if output is not None:
            _write(curve, beside(output, "json"))
            # What was asked for is not lost if the fit to all frames, which may take much longer, is interrupted.
            if size >= max(sizes):
                save(potential, output)
    if output is not None:
        _draw(points, output, n_valid)
    return potential


def beside(output: str | Path, ending: str) -> Path:
    """Where the curve of a model goes: ``model.learning_curve.json`` for ``model.rfp``."""
    output = Path(output)
    return output.with_name(f"{output.name.removesuffix('.rfp')}.learning_curve.{ending}")


def _check_sizes(sizes: Sequence[int], n_train: int, n_valid: int) -> None:
    """Raise UserError for a size that cannot be taken."""
    if not sizes or min(sizes) < 1:
        raise UserError(f"--learning-curve {','.join(map(str, sizes))}: every size must be at least 1")
    if max(sizes) > n_train:
        raise UserError(
            f"--learning-curve {max(sizes)}: there are {n_train} training frames, beside {n_valid} for validation; "
            "leave larger sizes out"
        )


def _point(size: int, potential: Potential) -> dict[str, Any]:
    """Size, width and errors of a fit."""
    fitted = potential.record["fit"]
    point: dict[str, Any] = {"n_train": size, "width": fitted.get("width", fitted.get("energy_width"))}
    for figure, names in FIGURES.items():
        value = next((fitted[name] for name in names if fitted.get(name) is not None), None)
        point[figure] = None if value is None else 1e3 * value
    if point["valid_energy_mae_mev"] is None:
        raise UserError(
            f"--learning-curve: regressor '{potential.regressor.name}' reports no 'valid_energy_mae_ev' to draw; "
            "use another one, or validation frames with energies"
        )
    return point


def _draw(points: Sequence[dict[str, Any]], output: str | Path, n_valid: int) -> None:
    from rfp_md.evaluation.plots import plot_learning_curve

    plot_learning_curve(points, beside(output, "png"), f"{Path(output).name}: {n_valid} validation frames")


def _write(curve: dict[str, Any], path: Path) -> None:
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(curve, indent=2) + "\n")
