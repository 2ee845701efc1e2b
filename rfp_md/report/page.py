"""From the figures to the page: every number on it is looked up in the JSON that stands in it too."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from markupsafe import Markup

from rfp_md.frames import Frames
from rfp_md.pictures.ball_and_stick import structure
from rfp_md.potential import Potential
from rfp_md.report import error_pictures
from rfp_md.report.errors_on_test_frames import ErrorsOnTestFrames
from rfp_md.report.values import embedded, show, subscripts, text
from rfp_md.validation import checks
from rfp_md.validation.check import Check
from rfp_md.validation.figures import figures_of
from rfp_md.validation.options import imported
from rfp_md.validation.starting_structure import bond_name, from_record, where_from

MARKS = {"pass": "✓", "pass with warnings": "▲", "fail": "✕", "never validated": "?"}
LEVELS = {"pass": "good", "pass with warnings": "warning", "fail": "bad", "never validated": "warning"}
FIT = {
    "drawn": "features drawn",
    "width": "features kept",
    "regularization": "regularisation λ",
    "valid_energy_mae_ev": "energy MAE on validation frames, eV",
    "valid_force_mae_ev_per_angstrom": "force MAE on validation frames, eV/Å",
    "valid_virial_mae_ev": "virial MAE on validation frames, eV",
}
BEFORE = {"model": "Model", "data": "Data", "errors": "Errors", "learning": "Learning curve"}
AFTER = {"uncertainty": "Uncertainty", "worst": "Worst frames", "run": "Run it", "provenance": "Provenance"}


def render(figures: dict[str, Any], potential: Potential, errors: ErrorsOnTestFrames | None) -> str:
    """The page.

    Args:
        figures: as ``rfp_md.report.content.content`` gives them.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("rfp_md", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        "value": partial(show, figures),
        "marks": MARKS,
        "levels": LEVELS,
        "fit_labels": FIT,
        "bond_name": bond_name,
        "where_from": where_from,
        "subscripts": subscripts,
        "text": text,
        **_checks(figures, potential.reference),
    }
    page = environment.get_template("report/template.html").render(
        **figures,
        pictures=_pictures(figures, potential, errors),
        json=embedded(figures),
        test_command=f"rfp report {figures['model']['file']} --data TEST -o report.html",
    )
    return page if page.endswith("\n") else page + "\n"


def _checks(figures: dict[str, Any], reference: Frames) -> dict[str, Any]:
    """What the templates need to go over the table of checks."""
    labels = {check.name: check.label or check.name for check in checks.CHECKS}
    return {
        "checks": checks.CHECKS,
        "labels": labels,
        "results": {name: figures[name] for name in labels},
        "figures": {check.name: figures_of(check.result) for check in checks.CHECKS},
        "drawn": {check.name: _drawn(check, figures[check.name], reference) for check in checks.CHECKS},
        "start_of": lambda found: from_record(found, reference),
        "sections": [
            *BEFORE.items(),
            *((name, text[0].upper() + text[1:]) for name, text in labels.items()),
            *AFTER.items(),
        ],
    }


def _drawn(check: Check, found: dict[str, Any] | None, reference: Frames) -> dict[str, Any]:
    """The pictures of a check, if it was run and has any."""
    if not found or not check.pictures:
        return {"figures": []}
    drawn: dict[str, Any] = imported(check.pictures)(found, from_record(found, reference))
    return drawn


def _pictures(figures: dict[str, Any], potential: Potential, errors: ErrorsOnTestFrames | None) -> dict[str, Any]:
    """All other pictures by the section that they are for; lists that are empty where there is nothing to draw."""
    model, curve = figures["model"], figures["learning_curve"]
    description = f"{model['formula']}, its atoms numbered in the model's order"
    return {
        "reference": structure("reference", description, potential.reference[:1]),
        "parity": error_pictures.parity(errors) if errors else [],
        "reliability": error_pictures.reliability(errors.judged) if errors and errors.judged else [],
        "learning": error_pictures.learning(curve) if curve else [],
        "worst": [_worst(k, frame) for k, frame in enumerate(errors.figures["worst"])] if errors else [],
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
