"""The pictures: parity, learning curves, and the conserved energy of a run. matplotlib is imported only here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rfp_md.arrays import Floats
from rfp_md.evaluation.reliability import calibration
from rfp_md.files.safe_write import replacing

BLUE, RED, GREY = "#2f6690", "#c8553d", "#9aa5b1"
LABELS = {
    "energy": ("energy − baseline", "eV", "meV"),
    "force": ("force component", "eV/Å", "meV/Å"),
    "stress": ("stress component", "eV/Å³", "meV/Å³"),
}
CLOSE = 1.2  # the labels of two sizes would overlap
CURVES = {
    "valid_energy_mae_mev": "energy MAE / meV",
    "valid_force_mae_mev_per_angstrom": "force MAE / (meV/Å)",
}


def plot_parity(pairs: dict[str, tuple[Floats, Floats]], path: str | Path, title: str) -> None:
    """Draw prediction against reference, with the error below on its own scale.

    Args:
        pairs: reference and prediction of ``energy`` (eV), ``force`` (eV/Å) and ``stress`` (eV/Å³).
        path: the PNG to write.
    """
    figure, axes = _figure(len(pairs))
    for column, (name, (reference, predicted)) in zip(axes.T, pairs.items(), strict=True):
        quantity, unit, small = LABELS[name]
        x, y = reference.ravel(), predicted.ravel()
        parity, residual = column
        parity.plot(x, y, ".", color=BLUE, markersize=2, alpha=0.4, rasterized=True)
        ends = np.array([x.min(), x.max()])
        parity.plot(ends, ends, color=GREY, linewidth=0.8, zorder=0)
        parity.set_ylabel(f"predicted {quantity} / {unit}")
        parity.tick_params(labelbottom=False)
        error = 1e3 * (y - x)
        parity.set_title(f"MAE {np.abs(error).mean():.3g} {small}, RMSE {np.sqrt((error**2).mean()):.3g} {small}")
        residual.plot(x, error, ".", color=BLUE, markersize=2, alpha=0.4, rasterized=True)
        residual.axhline(0.0, color=GREY, linewidth=0.8, zorder=0)
        residual.set_xlabel(f"reference {quantity} / {unit}")
        residual.set_ylabel(f"error / {small}")
    figure.suptitle(_plain(title), fontsize=10, parse_math=False)
    _save(figure, path)


def plot_reliability(pairs: dict[str, tuple[Floats, Floats]], path: str | Path, title: str) -> None:
    """Draw observed error against predicted standard deviation, of equally many predictions in each point.

    Args:
        pairs: errors and standard deviations of ``energy`` (eV) and ``force`` (eV/Å), as in
            ``rfp_md.evaluation.reliability``.
        path: the PNG to write.
    """
    from matplotlib.figure import Figure

    shown = {name: pair for name, pair in pairs.items() if name in LABELS}
    figure = Figure(figsize=(4.6 * len(shown), 4.6), layout="constrained")
    for axes, (name, (errors, deviations)) in zip(
        figure.subplots(1, len(shown), squeeze=False)[0], shown.items(), strict=True
    ):
        quantity, _, unit = LABELS[name]
        errors, deviations = 1e3 * np.abs(errors), 1e3 * deviations
        axes.loglog(deviations, errors, ".", color=BLUE, markersize=2, alpha=0.3, rasterized=True, label="single")
        bins = calibration(errors / 1e3, deviations / 1e3)
        axes.loglog(
            [part["std"] for part in bins],
            [part["rmse"] for part in bins],
            "o-",
            color=RED,
            markersize=5,
            linewidth=1,
            label="root mean square in bins",
        )
        inside = deviations[deviations > 0]
        if len(inside):
            ends = np.array([inside.min(), inside.max()])
            axes.loglog(ends, ends, color=GREY, linewidth=0.8, zorder=0, label="observed = predicted")
            axes.set_ylim(ends[0] / 10, 10 * ends[1])
        axes.set_xlabel(f"predicted standard deviation / {unit}")
        axes.set_ylabel(f"error of the {quantity.split(' − ')[0]} / {unit}")
        axes.legend(loc="lower right", fontsize=8)
    figure.suptitle(_plain(title), fontsize=10, parse_math=False)
    _save(figure, path)


def plot_conserved(runs: dict[str, tuple[Floats, Floats]], path: str | Path, title: str) -> None:
    """Draw the total energy of NVE runs against time.

    Args:
        runs: for each label, times (ps) and total energies per atom relative to the mean (meV).
        path: the PNG to write.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.0, 3.6), layout="constrained")
    axes = figure.subplots()
    for (label, (times, energies)), color in zip(runs.items(), (BLUE, RED), strict=False):
        axes.plot(times, energies, linewidth=0.7, color=color, label=label)
    axes.axhline(0.0, color=GREY, linewidth=0.8, zorder=0)
    axes.set_xlabel("time / ps")
    axes.set_ylabel("total energy − mean / (meV/atom)")
    axes.legend(loc="upper right", fontsize=8)
    axes.set_title(_plain(title), fontsize=10, parse_math=False)
    _save(figure, path)


def plot_learning_curve(points: Sequence[Mapping[str, float | None]], path: str | Path, title: str) -> None:
    """Draw validation errors against the number of training frames, both logarithmic.

    Args:
        points: ``n_train`` and the errors that ``rfp_md.training.learning_curve`` records; an error may be None
            throughout.
        path: the PNG to write.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, NullFormatter

    names = [name for name in CURVES if points[0][name] is not None]
    figure = Figure(figsize=(4.6 * len(names), 3.6), layout="constrained")
    sizes = [point["n_train"] or 0 for point in points]
    labels = [size for size, larger in zip(sizes, [*sizes[1:], np.inf], strict=True) if larger > CLOSE * size]
    for axes, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        axes.loglog(sizes, [point[name] for point in points], "o-", color=BLUE, markersize=4, linewidth=1)
        axes.set_xticks(labels, [str(size) for size in labels])
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.grid(color=GREY, linewidth=0.4, alpha=0.5)
        axes.set_xlabel("training frames")
        axes.set_ylabel(CURVES[name])
    figure.suptitle(_plain(title), fontsize=10, parse_math=False)
    _save(figure, path)


def _figure(columns: int) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.6 * columns, 5.6), layout="constrained")
    axes = figure.subplots(2, columns, sharex="col", squeeze=False, gridspec_kw={"height_ratios": [3, 1]})
    return figure, axes


def _plain(title: str) -> str:
    """A title with names of files, which may have characters that no font has, and dollars that are no mathematics."""
    return title.encode("utf-8", "replace").decode()


def _save(figure: Any, path: str | Path) -> None:
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=150, format="png")
