"""Can this potential be trusted in MD? Checks that give figures and a verdict."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from rfp_md.errors import UserError
from rfp_md.progress import Progress

if TYPE_CHECKING:
    from rfp_md.validation.subject import Subject

Check = Literal["forces", "nve", "stability", "geometry", "all"]


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

    What is found is written into the model's file: ``rfp info`` and the driver tell it. Where that cannot be, the
    results are there all the same, and ``progress`` is told.

    Args:
        model: a ``.rfp`` file.
        check: ``forces``, ``nve``, ``stability``, ``geometry``, or ``all`` of them.
        calculator: in place of a model, ``MODULE:CLASS`` of an ASE calculator; with ``calculator_arg`` (``KEY=VALUE``)
            and ``structure``, a file whose last frame everything starts from.
        quick: short runs and few structures: about a minute for a molecule.
        options: of a single check, those of ``check_forces``, ``check_nve``, ``check_stability`` or
            ``check_geometry``; of ``all``, ``engine``, ``data`` and ``scan``.

    Returns:
        ``passed``, ``verdict``, and the figures of the check, or of each check under its name; None for a figure that
        is not a number.

    Raises:
        UserError: bad input, or a run that cannot be made.
    """
    from rfp_md.validation import record

    progress = progress or Progress()
    subject = _subject(model, calculator, calculator_arg, structure)
    names = record.CHECKS if check == "all" else (check,)
    results: dict[str, Any] = {}
    kept = model is not None
    for name in names:
        if check == "all":
            progress.section(name)
        mine = options if check != "all" else {k: v for k, v in options.items() if k in SHARED.get(name, ())}
        if name == "stability" and model is not None and os.access(Path(model).parent, os.W_OK):
            mine = {"checkpoint": f"{model}.stability"} | mine
        results[name] = record.plain(_run(name, subject, quick, seed, progress, mine))
        if model is not None and kept:
            try:
                record.add(model, {name: results[name]})
            except UserError as error:
                progress.message(f"warning: {error}; the model's file does not get to know what was found")
                kept = False
    if check != "all":
        result: dict[str, Any] = results[check]
        return result
    verdict = record.overall(results)
    return {"passed": all(r["passed"] for r in results.values()), "verdict": str(verdict), **results}


SHARED = {"nve": ("engine",), "stability": ("data",), "geometry": ("scan",)}


def _run(
    name: str, subject: Subject, quick: bool, seed: int, progress: Progress, options: dict[str, Any]
) -> dict[str, Any]:
    from rfp_md.validation.forces import check_forces
    from rfp_md.validation.geometry import check_geometry
    from rfp_md.validation.nve import check_nve
    from rfp_md.validation.stability import check_stability

    if name == "geometry":
        return {**check_geometry(subject, **options), "quick": False}
    if name == "forces":
        return {**check_forces(subject, seed=seed, quick=quick, **options), "quick": quick}
    check = check_nve if name == "nve" else check_stability
    return {**check(subject, seed=seed, quick=quick, progress=progress, **options), "quick": quick}


def _subject(
    model: str | Path | None, calculator: str | None, arguments: Sequence[str], structure: str | Path | None
) -> Subject:
    from rfp_md.artifact import load
    from rfp_md.validation.subject import foreign

    if calculator is None:
        if model is None:
            raise UserError("there is nothing to validate; name a MODEL.rfp, or --calculator MODULE:CLASS")
        if arguments or structure is not None:
            raise UserError("--calculator-arg and --structure are for --calculator; leave them out, or name one")
        potential = load(model)
        if not potential.has_forces:
            raise UserError(f"{model}: was fitted to energies only and has no forces to validate")
        return potential
    if model is not None:
        raise UserError(f"{model} and --calculator name two potentials; give one")
    if structure is None:
        raise UserError("--calculator needs --structure FILE: the structure that everything starts from")
    return foreign(calculator, arguments, structure)
