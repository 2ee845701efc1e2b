"""Pictures of the geometry check: the minimum, its vibrations, rotors, and a scan."""

from __future__ import annotations

from typing import Any

import numpy as np
from markupsafe import Markup

from rfp_md.frames import Frames, formula
from rfp_md.pictures.ball_and_stick import MOST_ATOMS, structure
from rfp_md.pictures.canvas import BLUE, GREY, INK, RED, SERIES, picture
from rfp_md.validation.geometry.check_geometry import IMAGINARY
from rfp_md.validation.starting_structure import bond_name

ROTORS_EACH = 4  # in one picture


def pictures(found: dict[str, Any], start: Frames | None) -> dict[str, Any]:
    """All of a record, and in words why the minimum is not among them."""
    return {
        "figures": curves(found, start),
        "minimum": _minimum(found, start),
        "no_minimum": _why_none(found, start),
    }


def _minimum(found: dict[str, Any], start: Frames | None) -> Markup | None:
    """The relaxed structure."""
    if start is None or not found.get("relaxed_positions"):
        return None
    moved = start.at(np.array([found["relaxed_positions"]], dtype=np.float64))
    return structure("relaxed", f"The relaxed structure of {formula(start.numbers)}", moved)


def _why_none(found: dict[str, Any], start: Frames | None) -> str | None:
    """Why a minimum is not drawn, if it is not; None where there is nothing to say of that."""
    if start is None:
        return "the record does not say of which atoms it is"
    if len(found.get("relaxed_positions") or ()) > MOST_ATOMS:
        return "it has too many atoms to draw"
    return "its atoms are too far apart" if found["changed_bonds"] else None


def curves(found: dict[str, Any], start: Frames | None) -> list[Markup]:
    """Vibrations, rotors, and a scan beside its reference, as far as their energies were finite."""
    drawn = [_spectrum(found["frequencies_per_cm"])] if found.get("frequencies_per_cm") else []
    rotors = [rotor for rotor in found.get("rotors") or [] if None not in (rotor["barrier_ev"], *rotor["profile_ev"])]
    for first in range(0, len(rotors), ROTORS_EACH):
        drawn.append(_rotors(first, rotors[first : first + ROTORS_EACH], start))
    if found.get("scan") and found["scan"]["barrier_ev"] is not None:
        drawn.append(_scan(found["scan"]))
    return drawn


def _spectrum(frequencies: list[float]) -> Markup:
    """A line for each vibration."""

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
    """Energies while groups turn about some bonds."""

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
    """The potential along a path beside the reference."""

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
