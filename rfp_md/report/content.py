"""All figures of the page, as one JSON object."""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rfp_md.artifact.header import Arrays, Entry, Header, element_energies
from rfp_md.artifact.inner import sum_of
from rfp_md.potential import Potential
from rfp_md.report.errors_on_test_frames import ErrorsOnTestFrames
from rfp_md.report.snippets import snippets
from rfp_md.training.learning_curve import FIGURES
from rfp_md.validation.checks import names
from rfp_md.validation.record import KEY, doubt, not_run, summary

NEVER = "never validated"


TRAINING = ("data", "split", "fit", "leakage", "atom_energies", "low_level", "search")


def content(
    path: Path, header: Header, arrays: Arrays, potential: Potential, errors: ErrorsOnTestFrames | None
) -> dict[str, Any]:
    """Collect all figures of the page, as ``rfp_md.report.report`` returns them."""
    record = header.record
    validation = record.get(KEY, {})
    checks = validation.get("checks", {})
    training = {name: record.get(name) for name in TRAINING}
    return {
        "model": _model(path, header, arrays, potential),
        "verdict": validation.get("verdict", NEVER),
        "validation": summary(record),
        "not_run": not_run(record),
        "doubt": doubt(record, path.name) if potential.has_forces else None,
        "warnings": _warnings(path, potential, errors),
        "training": training | {"valid": _validation_errors(record.get("fit") or {})},
        "test": errors and errors.figures,
        "learning_curve": record.get("learning_curve"),
        **{name: checks.get(name) for name in names()},
        "provenance": _provenance(path, header),
        "run": snippets(path.name, potential),
    }


def _model(path: Path, header: Header, arrays: Arrays, potential: Potential) -> dict[str, Any]:
    from ase.data import chemical_symbols
    from ase.formula import Formula

    return {
        "file": path.name,
        "formula": Formula.from_list([chemical_symbols[z] for z in header.numbers]).format("hill"),
        "n_atoms": len(header.numbers),
        "numbers": header.numbers,
        "elements": [chemical_symbols[z] for z in header.elements],
        "fixed_composition": header.fixed_composition,
        "periodic": any(header.pbc),
        "target": "conservative" if potential.conservative else "direct",
        "has_forces": potential.has_forces,
        "terms": [_entry(term) for term in header.terms],
        "regressor": _entry(header.regressor),
        "force_regressor": header.force_regressor and _entry(header.force_regressor),
        "width": (header.record.get("fit") or {}).get("width"),
        "widths": header.record.get("widths"),
        "numbers_stored": sum(array.size for array in arrays.values()),
        "committee_members": _members(arrays),
        "baseline_ev": {chemical_symbols[z]: energy for z, energy in element_energies(header, arrays).items()},
        "sum_of": sum_of(header, arrays, path.name),
        "baselines": [_entry(baseline) for baseline in header.baselines],
        "bytes": path.stat().st_size,
    }


def _members(arrays: Arrays) -> int | None:
    committee = arrays.get("regressor.committee")
    return None if committee is None or committee.ndim < 2 else committee.shape[-1]


def _entry(entry: Entry) -> dict[str, Any]:
    return entry.model_dump(mode="json")


def _warnings(path: Path, potential: Potential, errors: ErrorsOnTestFrames | None) -> list[dict[str, str]]:
    """What a reader must know before any figure: ``level`` (bad, warning, note) and ``text``."""
    found = []
    if not potential.conservative:
        text = "A direct model: its forces are not the gradient of its energy, so that it cannot conserve energy in MD."
        found.append(("bad", text))
    if not potential.has_forces:
        found.append(("warning", "This model was fitted to energies only and has no forces: it cannot run MD."))
    checks = potential.record.get(KEY, {}).get("checks", {})
    if quick := [name for name in checks if checks[name].get("quick")]:
        text = f"Shorter than the default: {', '.join(quick)}; 'rfp validate {path.name} all' makes whole runs."
        found.append(("note", text))
    found += [("warning", f"In the training data: {label['text']}.") for label in potential.record.get("labels", ())]
    found += [("note", note) for note in (errors.figures["notes"] if errors else [])]
    leakage = errors and errors.figures["leakage"]
    if leakage and leakage["leaks"]:
        text = f"The test frames are not new to the model, so that its errors look too small: {leakage['summary']}."
        found.append(("warning", text))
    return [{"level": level, "text": text} for level, text in found]


def _validation_errors(fit: dict[str, Any]) -> dict[str, float | None]:
    """Errors on the validation frames, in meV, where the regressor reports them."""
    errors: dict[str, float | None] = {}
    for figure, keys in FIGURES.items():
        value = next((fit[key] for key in keys if fit.get(key) is not None), None)
        errors[figure.removeprefix("valid_")] = None if value is None else 1e3 * value
    return errors


def _provenance(path: Path, header: Header) -> dict[str, Any]:
    forces = [header.force_regressor] if header.force_regressor else []
    parts = [*header.baselines, *header.terms, header.regressor, *forces]
    return {
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "format_version": header.stored_version,
        "written_by": f"rfp-md {header.rfp_md}",
        "page_by": f"rfp-md {version('rfp-md')}",
        "packages": sorted({f"{part.package} {part.version}" for part in parts}),
        "units": header.units,
        "data_sha256": (header.record.get("data") or {}).get("sha256"),
        "seed": (header.record.get("split") or {}).get("seed"),
    }
