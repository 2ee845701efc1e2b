"""Can this potential be trusted in MD? Checks that give figures and a verdict."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rfp_md.errors import UserError
from rfp_md.progress import Progress
from rfp_md.validation.checks import CHECKS, TAKEN_BY, Check, refuse_others

if TYPE_CHECKING:
    from rfp_md.frames import Frames
    from rfp_md.potential import Potential
    from rfp_md.validation.subject import Subject


def validate(
    model: str | Path | None = None,
    check: Check = "all",
    *,
    calculator: str | None = None,
    calculator_arg: Sequence[str] = (),
    structure: str | Path | None = None,
    quick: bool = False,
    seed: int = 0,
    progress: Progress | None = None,
    **options: Any,
) -> dict[str, Any]:
    """Run one check or all, as ``rfp validate`` does.

    What is found is written into the model's file: ``rfp info`` and the driver tell it. Where that cannot be, or
    another model has taken its place, the results are there all the same, and ``progress`` is told. Of ``all``, a check
    that cannot be made is a failure with its ``error``, the others are made, and the file does not get to know of it.

    Args:
        model: a ``.rfp`` file.
        check: ``forces``, ``nve``, ``stability``, ``geometry``, or ``all`` of them.
        calculator: in place of a model, ``MODULE:CLASS`` of an ASE calculator; with ``calculator_arg`` (``KEY=VALUE``)
            and ``structure``.
        structure: a file whose last frame everything starts from; of a model, default: its reference structure.
        quick: short runs and few structures: about a minute for a molecule.
        options: of a single check, those of ``check_forces``, ``check_nve``, ``check_stability`` or
            ``check_geometry``; of ``all``, ``engine``, ``data`` and ``scan``.

    Returns:
        ``passed``, ``verdict``, and the figures of the check, or of each check under its name; None for a figure that
        is not a number; ``quick``: whether the run was shorter or colder than the default; ``start``: numbers, cell,
        pbc and file (None: the model's own) of the structure that it started from.

    Raises:
        UserError: bad input, an option that the check does not take, or a single check that cannot be made.
    """
    from rfp_md.validation import record
    from rfp_md.validation.lookback import write_departures

    refuse_others(check, options)
    progress = progress or Progress()
    subject, of = _subject(model, calculator, calculator_arg, structure)
    if check == "all":
        _check_files(subject, options.get("data"), options.get("scan"))
    results: dict[str, Any] = {}
    kept = model is not None
    for name in CHECKS if check == "all" else (check,):
        if check == "all":
            progress.section(name)
        mine = {option: value for option, value in options.items() if name in TAKEN_BY[option]}
        # A quick run has little to lose, and must not meet the checkpoint of a whole one.
        if name == "stability" and not quick and model is not None and os.access(Path(model).parent, os.W_OK):
            mine = {"checkpoint": f"{model}.stability"} | mine
        try:
            results[name] = record.plain(_run(name, subject, quick, seed, progress, mine))
        except UserError as error:
            if check != "all":
                raise
            progress.message(f"{name}: {error}")
            results[name] = {"passed": False, "verdict": "fail", "judged": [], "error": str(error), "quick": quick}
            continue
        if model is not None and name == "stability":
            write_departures(results[name], subject.reference, Path(model).with_suffix(".breaks.extxyz"), progress)
        if model is not None and kept:
            kept = _remember(model, name, results[name], of, progress)
    if check != "all":
        return dict(results[check])
    verdict = record.overall(results)
    return {"passed": all(r["passed"] for r in results.values()), "verdict": str(verdict), **results}


def _remember(model: str | Path, name: str, result: dict[str, Any], of: str | None, progress: Progress) -> bool:
    """Write what was found into the model's file; False where that cannot be."""
    from rfp_md.validation import record

    try:
        earlier = record.add(model, {name: result}, of=of)
    except UserError as error:
        progress.message(f"warning: {error}; the model's file does not get to know what was found")
        return False
    if earlier:
        progress.message(
            f"{name}: failed earlier by {', '.join(earlier)}, which this run does not replace; "
            "the model's file keeps that until a run of the same kind passes"
        )
    return True


def _started_from(potential: Potential, structure: str | Path) -> Potential:
    """The same model with another structure that everything starts from.

    Raises:
        UserError: it does not know its atoms, or not in this order: a good model would fail with like atoms exchanged.
    """
    from rfp_md.interfaces.atom_order import check_order
    from rfp_md.validation.subject import last_frame

    reference = last_frame(structure)
    if potential.fixed_composition:
        check_order(potential.reference, replace(reference, source=f"the atoms of {structure}"))
    potential.check(reference)
    return replace(potential, reference=reference)


def _run(
    name: str, subject: Subject, quick: bool, seed: int, progress: Progress, options: dict[str, Any]
) -> dict[str, Any]:
    from rfp_md.frames import formula
    from rfp_md.validation.forces import check_forces
    from rfp_md.validation.geometry import check_geometry
    from rfp_md.validation.nve import check_nve
    from rfp_md.validation.stability import check_stability

    structure = {"structure": formula(subject.reference.numbers), "start": _start(subject.reference)}
    if name == "geometry":
        return {**check_geometry(subject, **options), **structure, "quick": False}
    if name == "forces":
        result = check_forces(subject, seed=seed, quick=quick, **options)
    else:
        check = check_nve if name == "nve" else check_stability
        result = check(subject, seed=seed, quick=quick, progress=progress, **options)
    return {**result, **structure, "quick": quick or _shorter(name, result, options)}


def _start(reference: Frames) -> dict[str, Any]:
    """What a check starts from, as a page needs it to draw and number what was found; the file where one gave it."""
    from rfp_md.artifact import OWN_REFERENCE

    return {
        "numbers": reference.numbers.tolist(),
        "cell": None if reference.cells is None else reference.cells[0].tolist(),
        "pbc": [bool(axis) for axis in reference.pbc],
        "file": None if reference.source == OWN_REFERENCE else reference.source,
    }


def _shorter(name: str, result: dict[str, Any], options: dict[str, Any]) -> bool:
    """Whether a run says less than that of the defaults."""
    import numpy as np

    from rfp_md.validation import forces, nve, stability

    if name == "forces":
        return (options.get("n_structures") or forces.STRUCTURES) < forces.STRUCTURES
    if name == "nve":
        cold = np.max(options.get("temperature", nve.TEMPERATURES)) < max(nve.TEMPERATURES)
        return bool(cold or result["length_ps"] < nve.LENGTH)
    cold = options.get("temperature", stability.TEMPERATURE) < stability.TEMPERATURE
    few = len(result["stable_ps_of_replicas"]) < stability.REPLICAS
    return bool(cold or few or result["length_ps"] < stability.LENGTH)


def _check_files(subject: Subject, data: str | Path | None, scan: str | Path | None) -> None:
    """Raise UserError for files that a check would refuse, hours later."""
    from rfp_md.validation.stability import reference_counts
    from rfp_md.validation.torsions import read_scan

    if data is not None:
        reference_counts(subject, data)
    if scan is not None:
        read_scan(scan, subject)


def _subject(
    model: str | Path | None, calculator: str | None, arguments: Sequence[str], structure: str | Path | None
) -> tuple[Subject, str | None]:
    """What is validated, and the identity of a model; it is taken first, so that it is never that of a later one."""
    from rfp_md.artifact import identity, load
    from rfp_md.validation.subject import foreign

    if calculator is None:
        if model is None:
            raise UserError("there is nothing to validate; name a MODEL.rfp, or --calculator MODULE:CLASS")
        if arguments:
            raise UserError("--calculator-arg is for --calculator; leave it out, or name one")
        of = identity(model)
        potential = load(model)
        if not potential.has_forces:
            raise UserError(f"{model}: was fitted to energies only and has no forces to validate")
        return (potential if structure is None else _started_from(potential, structure)), of
    if model is not None:
        raise UserError(f"{model} and --calculator name two potentials; give one")
    if structure is None:
        raise UserError("--calculator needs --structure FILE: the structure that everything starts from")
    return foreign(calculator, arguments, structure), None
