"""Pictures of what the checks of rfp validate found."""

from __future__ import annotations

from typing import Any

import numpy as np
from markupsafe import Markup

from rfp_md.frames import Frames
from rfp_md.report.canvas import BLUE, GREY, INK, RED, SERIES, decades, picture
from rfp_md.report.starts import bond_name
from rfp_md.validation.geometry import IMAGINARY

ROTORS_EACH = 4  # in one picture
SLOPE = 4  # the order of the differences


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


def conserved(nve: dict[str, Any]) -> list[Markup]:
    """Pictures of each run: the conserved energy with its drift, and its first part with both timesteps."""
    return [p for k, run in enumerate(nve["runs"]) for p in (_drift(k, run), *_halved(k, run, nve["timestep_fs"]))]


def _drift(k: int, run: dict[str, Any]) -> Markup:
    times, energies = (np.array(run["trace"][key]) for key in ("time_ps", "conserved_mev_per_atom"))
    slope, kelvin = run["drift_mev_per_atom_per_ps"], run["temperature_k"]

    def paint(figure: Any) -> None:
        axes = figure.subplots()
        axes.plot(times, energies, color=BLUE, linewidth=0.8, label="energy")
        line = slope * (times - times.mean())
        axes.plot(times, line, color=RED, linewidth=1.6, label=f"drift {slope:+.2g} meV/atom/ps")
        _room_above(axes, energies)
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
        _room_above(axes, np.concatenate([energies for _, energies in traces]))
        axes.set_title(f"dt² at {kelvin:g} K")
        axes.set_xlabel("time / ps")
        axes.set_ylabel("energy − mean / (meV/atom)")
        axes.legend(loc="upper right", ncols=2)

    text = (
        f"Conserved energy at {kelvin:g} K with timesteps of {timestep:g} and {timestep / 2:g} fs: "
        "of second order, the second one fluctuates by a quarter of the first."
    )
    return [picture(f"halved-{k}", text, paint)]


def _room_above(axes: Any, energies: Any) -> None:
    """So that the legend covers nothing."""
    low, high = float(energies.min()), float(energies.max())
    size = max(high - low, 1e-12)
    axes.set_ylim(low - 0.05 * size, high + 0.22 * size)


def stability(found: dict[str, Any]) -> list[Markup]:
    """h(r), the temperature, and the uncertainty along the way."""
    pairs = found.get("pair_distances")
    pictures = [_pairs(found)] if pairs and max(pairs["h_per_angstrom"]) > 0 else []
    series = found.get("series") or {}
    for key, name, label in (
        ("temperature_k", "temperature", "temperature / K"),
        ("force_uncertainty_ev_per_angstrom", "uncertainty", "force uncertainty / (eV/Å)"),
    ):
        values = [(t, v) for t, v in zip(series.get("time_ps", ()), series.get(key, ()), strict=False) if v is not None]
        if values:
            wanted = found["temperature_k"] if name == "temperature" else None
            pictures.append(_series(name, label, np.array(values), wanted))
    return pictures


def _pairs(found: dict[str, Any]) -> Markup:
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
    def paint(figure: Any) -> None:
        axes = figure.subplots()
        axes.plot(values[:, 0], values[:, 1], color=BLUE, linewidth=0.8, label="mean of the replicas")
        if wanted is not None:
            axes.axhline(wanted, color=RED, linewidth=1.2, linestyle="--", label="thermostat")
            _room_above(axes, values[:, 1])
            axes.legend(loc="upper right", ncols=2)
        else:
            axes.set_ylim(bottom=0)
        axes.set_title(label.split(" / ")[0].capitalize())
        axes.set_xlabel("time / ps")
        axes.set_ylabel(label)

    text = f"{label} of the replicas over {values[-1, 0]:g} ps: {values[:, 1].min():.3g} to {values[:, 1].max():.3g}."
    return picture(f"series-{name}", text, paint)


def geometry(found: dict[str, Any], start: Frames | None) -> list[Markup]:
    """Vibrations, rotors, and a scan beside its reference, as far as their energies were finite."""
    pictures = [_spectrum(found["frequencies_per_cm"])] if found.get("frequencies_per_cm") else []
    rotors = [rotor for rotor in found.get("rotors") or [] if None not in (rotor["barrier_ev"], *rotor["profile_ev"])]
    for first in range(0, len(rotors), ROTORS_EACH):
        pictures.append(_rotors(first, rotors[first : first + ROTORS_EACH], start))
    if found.get("scan") and found["scan"]["barrier_ev"] is not None:
        pictures.append(_scan(found["scan"]))
    return pictures


def _spectrum(frequencies: list[float]) -> Markup:
    def paint(figure: Any) -> None:
        axes = figure.subplots()
        colors = [RED if f < -IMAGINARY else BLUE for f in frequencies]
        axes.vlines(frequencies, 0, 1, colors=colors, linewidth=1.4)
        axes.axhline(0, color=INK, linewidth=0.7)
        axes.set_ylim(0, 1.15)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.set_title("Harmonic frequencies" + (", imaginary ones red" if frequencies[0] < -IMAGINARY else ""))
        axes.set_xlabel("wavenumber / cm⁻¹")

    low, high = min(frequencies), max(frequencies)
    text = f"{len(frequencies)} harmonic frequencies between {low:.0f} and {high:.0f} cm⁻¹, a line for each."
    return picture("spectrum", text, paint, (4.5, 2.4))


def _rotors(first: int, rotors: list[dict[str, Any]], start: Frames | None) -> Markup:
    def paint(figure: Any) -> None:
        axes = figure.subplots()
        for color, style, rotor in zip(SERIES, ("-", "--", "-.", ":"), rotors, strict=False):
            energies = 1e3 * np.array([*rotor["profile_ev"], rotor["profile_ev"][0]])
            angles = np.linspace(0, 360, len(energies))
            label = bond_name(rotor["bond"], start)
            axes.plot(angles, energies, style, color=color, linewidth=1.4, label=label)
        axes.set_ylim(0, axes.get_ylim()[1] * 1.18)
        axes.set_xticks(range(0, 361, 60))
        axes.set_title("Rigid rotations about bonds")
        axes.set_xlabel("angle / °")
        axes.set_ylabel("energy − minimum / meV")
        axes.legend(loc="upper right", ncols=len(rotors))

    told = ", ".join(f"{bond_name(r['bond'], start)} {1e3 * r['barrier_ev']:.3g} meV" for r in rotors)
    return picture(f"rotors-{first}", f"Energy while groups turn about bonds; barriers: {told}.", paint)


def _scan(scan: dict[str, Any]) -> Markup:
    def paint(figure: Any) -> None:
        axes = figure.subplots()
        reference, mine = (1e3 * np.array(scan[key]) for key in ("reference_profile_ev", "profile_ev"))
        axes.plot(reference, "o", color=GREY, markersize=5, label="reference")
        axes.plot(mine, ".-", color=BLUE, linewidth=1.3, label="this model")
        axes.set_title("Scan")
        axes.set_xlabel("frame")
        axes.set_ylabel("energy − minimum / meV")
        axes.legend(loc="best")

    text = f"Scan: barrier {1e3 * scan['barrier_ev']:.3g} meV, reference {1e3 * scan['reference_barrier_ev']:.3g} meV."
    return picture("scan", text, paint)
