"""Pictures of the stability check: pair distances, temperature and uncertainty along the run, and what broke."""

from __future__ import annotations

from typing import Any

import numpy as np
from markupsafe import Markup

from rfp_md.frames import Frames
from rfp_md.pictures.ball_and_stick import structure
from rfp_md.pictures.canvas import BLUE, GREY, RED, picture, room_above
from rfp_md.validation.stability.lines import WHY_BROKEN

BROKEN = 4  # replicas that are drawn where they broke


def pictures(found: dict[str, Any], start: Frames | None) -> dict[str, Any]:
    """All of a record, and why replicas broke, in words."""
    return {"figures": curves(found), "breaks": breaks(found, start), "why_broken": WHY_BROKEN}


def breaks(found: dict[str, Any], start: Frames | None) -> list[dict[str, Any]]:
    """Replicas where they broke, the atoms of a bond pointed out: ``index`` in the record's breaks, ``picture``."""
    if start is None:
        return []
    drawn = []
    for index, event in enumerate(found["breaks"][:BROKEN]):
        frame = start.at(np.array([event["positions"]]))
        description = f"Replica {event['replica']} where it broke"
        picture = structure(f"break-{event['replica']}", description, frame, ring=event.get("bond", ()))
        drawn.append({"index": index, "picture": picture})
    return drawn


def curves(found: dict[str, Any]) -> list[Markup]:
    """h(r), the temperature, and the uncertainty along the way."""
    pairs = found.get("pair_distances")
    drawn = [_pairs(found)] if pairs and max(pairs["h_per_angstrom"]) > 0 else []
    series = found.get("series") or {}
    for key, name, label in (
        ("temperature_k", "temperature", "temperature / K"),
        ("force_uncertainty_ev_per_angstrom", "uncertainty", "force uncertainty / (eV/Å)"),
    ):
        values = [(t, v) for t, v in zip(series.get("time_ps", ()), series.get(key, ()), strict=False) if v is not None]
        if values:
            wanted = found["temperature_k"] if name == "temperature" else None
            drawn.append(_series(name, label, np.array(values), wanted))
    return drawn


def _pairs(found: dict[str, Any]) -> Markup:
    """h(r) of the run, and of the reference frames if there were any."""
    mine, reference = found["pair_distances"], found["reference_pair_distances"]

    def paint(figure: Any) -> None:
        axes = figure.subplots()
        if reference:
            axes.fill_between(
                reference["r_angstrom"], reference["h_per_angstrom"], color=GREY, alpha=0.45, linewidth=0,
                label="reference frames",
            )  # fmt: skip
        axes.plot(mine["r_angstrom"], mine["h_per_angstrom"], color=BLUE, linewidth=1.3, label="this model")
        axes.set_ylim(bottom=0)
        axes.set_xlim(left=0.5)
        axes.set_title("Pair distances")
        axes.set_xlabel("distance r / Å")
        axes.set_ylabel("h(r) / Å⁻¹")
        axes.legend(loc="upper right")

    beside = "beside those of the reference frames" if reference else "without reference frames to compare with"
    return picture("pair-distances", f"Distribution h(r) of the pair distances of the run, {beside}.", paint)


def _series(name: str, label: str, values: Any, wanted: float | None) -> Markup:
    """Values (T, 2) over time, and what they were wanted to be."""

    def paint(figure: Any) -> None:
        axes = figure.subplots()
        axes.plot(values[:, 0], values[:, 1], color=BLUE, linewidth=0.8, label="mean of the replicas")
        if wanted is not None:
            axes.axhline(wanted, color=RED, linewidth=1.2, linestyle="--", label="thermostat")
            room_above(axes, values[:, 1])
            axes.legend(loc="upper right", ncols=2)
        else:
            axes.set_ylim(bottom=0)
        axes.set_title(label.split(" / ")[0].capitalize())
        axes.set_xlabel("time / ps")
        axes.set_ylabel(label)

    text = f"{label} of the replicas over {values[-1, 0]:g} ps: {values[:, 1].min():.3g} to {values[:, 1].max():.3g}."
    return picture(f"series-{name}", text, paint)
