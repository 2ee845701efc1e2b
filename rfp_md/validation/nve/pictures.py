"""Pictures of NVE runs: the conserved energy, and its fluctuation at two timesteps."""

from __future__ import annotations

from typing import Any

import numpy as np
from markupsafe import Markup

from rfp_md.frames import Frames
from rfp_md.pictures.canvas import BLUE, RED, picture, room_above


def pictures(nve: dict[str, Any], start: Frames | None) -> dict[str, Any]:
    """All of a record."""
    return {"figures": conserved(nve)}


def conserved(nve: dict[str, Any]) -> list[Markup]:
    """Pictures of each run: the conserved energy with its drift, and its first part with both timesteps."""
    return [p for k, run in enumerate(nve["runs"]) for p in (_drift(k, run), *_halved(k, run, nve["timestep_fs"]))]


def _drift(k: int, run: dict[str, Any]) -> Markup:
    """The conserved energy of a run with its line."""
    times, energies = (np.array(run["trace"][key]) for key in ("time_ps", "conserved_mev_per_atom"))
    slope, kelvin = run["drift_mev_per_atom_per_ps"], run["temperature_k"]

    def paint(figure: Any) -> None:
        axes = figure.subplots()
        axes.plot(times, energies, color=BLUE, linewidth=0.8, label="energy")
        line = slope * (times - times.mean())
        axes.plot(times, line, color=RED, linewidth=1.6, label=f"drift {slope:+.2g} meV/atom/ps")
        room_above(axes, energies)
        axes.set_title(f"Drift at {kelvin:g} K")
        axes.set_xlabel("time / ps")
        axes.set_ylabel("energy − mean / (meV/atom)")
        axes.legend(loc="upper right", ncols=2)

    text = f"Conserved energy of an NVE run of {times[-1]:g} ps at {kelvin:g} K: it drifts by {slope:.2g} meV/atom/ps."
    return picture(f"drift-{k}", text, paint)


def _halved(k: int, run: dict[str, Any], timestep: float) -> list[Markup]:
    """None of a record that is older than ``first_trace``: a long run's own points are too few there."""
    if "first_trace" not in run:
        return []
    kelvin = run["temperature_k"]
    traces = [(run[key]["time_ps"], run[key]["conserved_mev_per_atom"]) for key in ("first_trace", "half_trace")]

    def paint(figure: Any) -> None:
        axes = figure.subplots()
        for (times, energies), fs, color in zip(traces, (timestep, timestep / 2), (BLUE, RED), strict=True):
            axes.plot(times, energies, color=color, linewidth=0.8, label=f"{fs:g} fs")
        room_above(axes, np.concatenate([energies for _, energies in traces]))
        axes.set_title(f"dt² at {kelvin:g} K")
        axes.set_xlabel("time / ps")
        axes.set_ylabel("energy − mean / (meV/atom)")
        axes.legend(loc="upper right", ncols=2)

    text = (
        f"Conserved energy at {kelvin:g} K with timesteps of {timestep:g} and {timestep / 2:g} fs: "
        "of second order, the second one fluctuates by a quarter of the first."
    )
    return [picture(f"halved-{k}", text, paint)]
