"""Picture of the check of forces: their error against the step of the differences."""

from __future__ import annotations

from typing import Any

import numpy as np
from markupsafe import Markup

from rfp_md.frames import Frames
from rfp_md.pictures.canvas import BLUE, GREY, decades, picture

SLOPE = 4  # the order of the differences


def pictures(forces: dict[str, Any], start: Frames | None) -> dict[str, Any]:
    """All of a record."""
    return {"figures": differences(forces)}


def differences(forces: dict[str, Any]) -> list[Markup]:
    """The error of the forces against the step of the differences."""
    # A figure that was not finite is null in the file.
    curve = [p for p in forces.get("error_curve") or [] if p["max_abs_error_ev_per_angstrom"]]
    steps, errors = ([p[k] for p in curve] for k in ("step_angstrom", "max_abs_error_ev_per_angstrom"))
    if not curve:
        return []

    def paint(figure: Any) -> None:
        axes = figure.subplots()
        axes.loglog(steps, errors, "o-", color=BLUE, markersize=4.5, linewidth=1.3, label="largest difference")
        guide = errors[0] * (np.array(steps) / steps[0]) ** SLOPE
        shown = guide > min(errors) / 3
        axes.loglog(np.array(steps)[shown], guide[shown], "--", color=GREY, linewidth=1, label="step⁴")
        decades(axes.xaxis, steps)
        decades(axes.yaxis, errors)
        axes.set_xlabel("step of the differences / Å")
        axes.set_ylabel("difference / (eV/Å)")
        axes.legend(loc="best")

    return [picture("differences", f"Forces against differences of energies: at best {min(errors):.2g} eV/Å.", paint)]
