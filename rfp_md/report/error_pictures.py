"""Pictures of errors: parity with the residuals below, calibration of the uncertainty, the learning curve."""

from __future__ import annotations

from typing import Any

import numpy as np
from markupsafe import Markup

from rfp_md.evaluation.plots import CURVES, LABELS
from rfp_md.evaluation.reliability import Pair, calibration
from rfp_md.pictures.canvas import BLUE, GREY, MOST_POINTS, RED, cloud, decades, picture
from rfp_md.report.errors_on_test_frames import ErrorsOnTestFrames


def parity(errors: ErrorsOnTestFrames) -> list[Markup]:
    """Draw predicted against reference energies, force components on each element, and stresses."""
    from ase.data import chemical_symbols

    pictures = []
    if "energy" in errors.pairs:
        pictures.append(_parity("parity-energy", "energy", "Energies", errors.pairs["energy"]))
    if "force" in errors.pairs:
        reference, predicted = errors.pairs["force"]
        for z in np.unique(errors.elements):
            mine, symbol = errors.elements == z, chemical_symbols[z]
            pair = (reference[mine], predicted[mine])
            pictures.append(_parity(f"parity-{symbol}", "force", f"Forces on {symbol}", pair))
    if "stress" in errors.pairs:
        pictures.append(_parity("parity-stress", "stress", "Stresses", errors.pairs["stress"]))
    return pictures


def _parity(name: str, kind: str, title: str, pair: Pair) -> Markup:
    quantity, unit, small = LABELS[kind]
    x, y = (part.ravel() for part in pair)
    error = 1e3 * (y - x)
    shown = "" if len(x) <= MOST_POINTS else f" One in {-(-len(x) // MOST_POINTS)} points is drawn."

    def paint(figure: Any) -> None:
        upper, lower = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": [2.4, 1]})
        ends = np.array([x.min(), x.max()])
        upper.plot(ends, ends, color=GREY, linewidth=0.9, zorder=1)
        cloud(upper, x, y)
        upper.set_title(title)
        upper.set_ylabel(f"predicted / {unit}")
        upper.tick_params(labelbottom=False)
        lower.axhline(0.0, color=GREY, linewidth=0.9, zorder=1)
        cloud(lower, x, error, RED)
        lower.set_xlabel(f"reference {quantity} / {unit}")
        lower.set_ylabel(f"error / ({small})" if "/" in small else f"error / {small}")
        figure.align_ylabels()

    text = (
        f"{title}: predicted against reference {quantity}, {len(x)} of them, between {x.min():.3g} and {x.max():.3g} "
        f"{unit}; below it the errors, at most {np.abs(error).max():.3g} {small}.{shown}"
    )
    return picture(name, text, paint, (4.5, 4.0))


def reliability(judged: dict[str, Pair]) -> list[Markup]:
    """Draw observed errors against predicted standard deviations."""
    return [_reliability(name, judged[name]) for name in ("energy", "force") if name in judged]


def _reliability(kind: str, pair: Pair) -> Markup:
    quantity, _, unit = LABELS[kind]
    quantity = quantity.split(" − ")[0]
    errors, deviations = 1e3 * np.abs(pair[0]), 1e3 * pair[1]
    bins = calibration(*pair)
    inside = deviations[deviations > 0]
    label = f"({unit})" if "/" in unit else unit

    def paint(figure: Any) -> None:
        axes = figure.subplots()
        axes.set_xscale("log")
        axes.set_yscale("log")
        cloud(axes, deviations, errors)
        axes.plot([], [], ".", color=BLUE, label="single predictions")
        x, y = ([part[key] for part in bins] for key in ("std", "rmse"))
        axes.plot(x, y, "o-", color=RED, markersize=4.5, linewidth=1.2, label="root mean square in bins")
        if len(inside):
            ends = np.array([inside.min(), inside.max()])
            axes.plot(ends, ends, color=GREY, linewidth=1.2, label="observed = predicted")
            axes.set_xlim(ends[0] / 1.2, ends[1] * 1.2)
            axes.set_ylim(ends[0] / 30, 10 * ends[1])
        decades(axes.xaxis, inside)
        decades(axes.yaxis, axes.get_ylim())
        axes.set_xlabel(f"predicted standard deviation / {label}")
        axes.set_ylabel(f"error of the {quantity} / {label}")
        axes.legend(loc="lower right")

    text = f"Error of the {quantity} against its predicted standard deviation, {len(errors)} of them, both logarithmic."
    return picture(f"reliability-{kind}", text, paint, (4.5, 3.8))


def learning(curve: dict[str, Any]) -> list[Markup]:
    """Draw validation errors against the number of training frames."""
    return [
        _learning(key, label, curve["points"])
        for key, label in CURVES.items()
        if all(point.get(key) is not None for point in curve["points"])
    ]


def _learning(key: str, label: str, points: list[dict[str, Any]]) -> Markup:
    sizes, errors = [p["n_train"] for p in points], [p[key] for p in points]

    def paint(figure: Any) -> None:
        axes = figure.subplots()
        axes.loglog(sizes, errors, "o-", color=BLUE, markersize=5, linewidth=1.4)
        decades(axes.xaxis, sizes)
        decades(axes.yaxis, errors)
        axes.set_xlabel("training frames")
        axes.set_ylabel(label)

    told = ", ".join(f"{error:.3g} with {size}" for size, error in zip(sizes, errors, strict=True))
    name = "learning-force" if "force" in key else "learning-energy"
    return picture(name, f"Learning curve, {label} on the validation frames: {told} training frames.", paint)
