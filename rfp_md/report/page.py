"""From the figures to the page: every number on it is looked up in the JSON that stands in it too."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import numpy as np
from markupsafe import Markup

from rfp_md.frames import Frames, formula
from rfp_md.potential import Potential
from rfp_md.report.pictures import errors as error_pictures
from rfp_md.report.pictures import forces as force_pictures
from rfp_md.report.pictures import geometry as geometry_pictures
from rfp_md.report.pictures import nve as nve_pictures
from rfp_md.report.pictures import stability as stability_pictures
from rfp_md.report.pictures.ball_and_stick import MOST_ATOMS, structure
from rfp_md.report.starting_structure import bond_name, start_of, where_from
from rfp_md.report.test_frames import Tested
from rfp_md.validation.checks import CHECKS
from rfp_md.validation.record import WHY_BROKEN
from rfp_md.validation.thresholds import LIMITS

BROKEN = 4  # replicas that are drawn where they broke
MARKS = {"pass": "✓", "pass with warnings": "▲", "fail": "✕", "never validated": "?"}
NAMES = {"forces": "forces", "nve": "NVE", "stability": "stability", "geometry": "geometry"}
ENGINES = {"ase": "ASE", "ipi": "i-PI", "lammps": "LAMMPS"}
FIT = {
    "drawn": "features drawn",
    "width": "features kept",
    "regularization": "regularisation λ",
    "valid_energy_mae_ev": "energy MAE on validation frames, eV",
    "valid_force_mae_ev_per_angstrom": "force MAE on validation frames, eV/Å",
    "valid_virial_mae_ev": "virial MAE on validation frames, eV",
}
LEVELS = {"pass": "good", "pass with warnings": "warning", "fail": "bad", "never validated": "warning"}


def render(figures: dict[str, Any], potential: Potential, tested: Tested | None) -> str:
    """The page.

    Args:
        figures: as ``rfp_md.report.content.content`` gives them.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("rfp_md.report", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        "value": partial(show, figures),
        "marks": MARKS,
        "levels": LEVELS,
        "engines": ENGINES,
        "names": NAMES,
        "fit_labels": FIT,
        "break_reasons": WHY_BROKEN,
        "limits": {(limit.check, limit.figure): limit for limit in LIMITS},
        "bond_name": lambda bond, check: bond_name(bond, start_of(figures[check], potential.reference)),
        "where_from": where_from,
        "subscripts": _subscripts,
        "text": text,
    }
    page = environment.get_template("template.html").render(
        **figures,
        checks={name: figures[name] for name in CHECKS},
        pictures=_pictures(figures, potential, tested), json=_embedded(figures),
        test_command=f"rfp report {figures['model']['file']} --data TEST -o report.html",
    )  # fmt: skip
    return page if page.endswith("\n") else page + "\n"


def show(figures: dict[str, Any], path: str, unit: str = "", digits: int = 3) -> Markup:
    """A figure by its place in the JSON, as ``nve.runs.0.drift_ratio``, with what it is exactly as an attribute."""
    value: Any = figures
    for key in path.split("."):
        value = value[int(key)] if isinstance(value, list) else value[key]
    kind = "figure number" if isinstance(value, int | float) else "figure"
    shown = Markup('<span class="{}" data-figure="{}" data-value="{}">{}</span>').format(
        kind, path, json.dumps(value, allow_nan=False, ensure_ascii=False), text(value, digits)
    )
    return shown + Markup("&nbsp;{}").format(unit) if unit and value is not None else shown


def text(value: Any, digits: int = 3) -> str:
    """As people read it."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        plain = f"{value:.0f}" if 1e3 <= abs(value) < 1e6 else f"{value:.{digits}g}"
        return f"−{plain[1:]}" if plain.startswith("-") else plain
    if isinstance(value, list):
        return ", ".join(text(part, digits) for part in value)
    if isinstance(value, dict):
        return ", ".join(f"{key} {text(part, digits)}" for key, part in value.items())
    return str(value)


def _pictures(figures: dict[str, Any], potential: Potential, tested: Tested | None) -> dict[str, Any]:
    """All pictures by the section that they are for; lists that are empty where there is nothing to draw."""
    model, curve, geometry = figures["model"], figures["learning_curve"], figures["geometry"]
    reference = potential.reference[:1]
    start = start_of(geometry, reference) if geometry else None
    return {
        "reference": structure("reference", f"{model['formula']}, its atoms numbered in the model's order", reference),
        "parity": error_pictures.parity(tested) if tested else [],
        "reliability": error_pictures.reliability(tested.judged) if tested and tested.judged else [],
        "learning": error_pictures.learning(curve) if curve else [],
        "forces": force_pictures.differences(figures["forces"]) if figures["forces"] else [],
        "nve": nve_pictures.conserved(figures["nve"]) if figures["nve"] else [],
        "stability": stability_pictures.stability(figures["stability"]) if figures["stability"] else [],
        "breaks": _breaks(figures["stability"], start_of(figures["stability"], reference))
        if figures["stability"]
        else [],
        "geometry": geometry_pictures.geometry(geometry, start) if geometry else [],
        "relaxed": _relaxed(geometry, start) if geometry else None,
        "no_relaxed": _why_none(geometry, start) if geometry else None,
        "worst": [_worst(k, frame) for k, frame in enumerate(tested.figures["worst"])] if tested else [],
    }


def _worst(k: int, frame: dict[str, Any]) -> Markup | None:
    """A test frame with its force errors as arrows."""
    cell = None if frame["cell_angstrom"] is None else np.array([frame["cell_angstrom"]])
    shown = Frames(
        np.array(frame["numbers"], dtype=np.int64),
        np.array([frame["positions_angstrom"]]),
        cells=cell,
        pbc=(cell is not None,) * 3,
    )
    errors = frame.get("force_errors_mev_per_angstrom")
    description = f"Frame {frame['frame']}"
    if errors is None:
        return structure(f"worst-{k}", description, shown)
    description += f", force errors as arrows, the largest one on atom {frame['worst_atom']}"
    return structure(f"worst-{k}", description, shown, vectors=np.array(errors), ring=[frame["worst_atom"]])


def _relaxed(geometry: dict[str, Any], start: Frames | None) -> Markup | None:
    """The minimum."""
    if start is None or not geometry.get("relaxed_positions"):
        return None
    moved = start.at(np.array([geometry["relaxed_positions"]], dtype=np.float64))
    return structure("relaxed", f"The relaxed structure of {formula(start.numbers)}", moved)


def _why_none(geometry: dict[str, Any], start: Frames | None) -> str | None:
    """Why a minimum is not drawn, if it is not; None where there is nothing to say of that."""
    if start is None:
        return "the record does not say of which atoms it is"
    if len(geometry.get("relaxed_positions") or ()) > MOST_ATOMS:
        return "it has too many atoms to draw"
    return "its atoms are too far apart" if geometry["changed_bonds"] else None


def _breaks(stability: dict[str, Any], start: Frames | None) -> list[dict[str, Any]]:
    """Replicas where they broke, the atoms of a bond pointed out."""
    if start is None:
        return []
    drawn = []
    for index, event in enumerate(stability["breaks"][:BROKEN]):
        frame = start.at(np.array([event["positions"]]))
        description = f"Replica {event['replica']} where it broke"
        picture = structure(f"break-{event['replica']}", description, frame, ring=event.get("bond", ()))
        drawn.append({"index": index, "picture": picture})
    return drawn


def _embedded(figures: dict[str, Any]) -> Markup:
    """JSON that no text in it can break out of."""
    plain = json.dumps(figures, allow_nan=False, sort_keys=False)
    return Markup(plain.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


def _subscripts(formula: str) -> Markup:
    """C2H6O with its numbers below the line."""
    return Markup("").join(Markup("<sub>{}</sub>").format(c) if c.isdigit() else c for c in formula)
