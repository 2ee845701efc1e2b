"""The pictures: parity, and the conserved energy of a run. matplotlib is imported only here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from rfp_md.files import replacing
from rfp_md.frames import Floats

BLUE, GREY = "#2f6690", "#9aa5b1"
LABELS = {
    "energy": ("energy − baseline", "eV", "meV"),
    "force": ("force component", "eV/Å", "meV/Å"),
    "stress": ("stress component", "eV/Å³", "meV/Å³"),
}


def plot_parity(pairs: dict[str, tuple[Floats, Floats]], path: str | Path, title: str) -> None:
    """Predicted against reference, with the error below on its own scale.

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
    figure.suptitle(title, fontsize=10)
    _save(figure, path)


def plot_conserved(runs: dict[str, tuple[Floats, Floats]], path: str | Path, title: str) -> None:
    """Total energy of NVE runs against time.

    Args:
        runs: for each label, times (ps) and total energies per atom relative to the mean (meV).
        path: the PNG to write.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.0, 3.6), layout="constrained")
    axes = figure.subplots()
    for (label, (times, energies)), color in zip(runs.items(), (BLUE, "#c8553d"), strict=False):
        axes.plot(times, energies, linewidth=0.7, color=color, label=label)
    axes.axhline(0.0, color=GREY, linewidth=0.8, zorder=0)
    axes.set_xlabel("time / ps")
    axes.set_ylabel("total energy − mean / (meV/atom)")
    axes.legend(loc="upper right", fontsize=8)
    axes.set_title(title, fontsize=10)
    _save(figure, path)


def _figure(columns: int) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.6 * columns, 5.6), layout="constrained")
    axes = figure.subplots(2, columns, sharex="col", squeeze=False, gridspec_kw={"height_ratios": [3, 1]})
    return figure, axes


def _save(figure: Any, path: str | Path) -> None:
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=150, format="png")
