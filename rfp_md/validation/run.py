"""Can this potential be trusted in MD? Checks that give figures and a verdict."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from inspect import signature
from pathlib import Path
from typing import Any

from rfp_md.errors import UserError
from rfp_md.prediction import AnyPotential
from rfp_md.progress import Progress
from rfp_md.validation import record
from rfp_md.validation.check import Check
from rfp_md.validation.checks import ALL, refuse_others, rows
from rfp_md.validation.options import imported
from rfp_md.validation.under_test import under_test


def validate(
    model: str | Path | None = None,
    check: str = ALL,
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
        check: the name of one, as ``rfp validate --help`` lists them, or ``all``.
        calculator: in place of a model, ``MODULE:CLASS`` of an ASE calculator; with ``calculator_arg`` (``KEY=VALUE``)
            and ``structure``.
        structure: a file whose last frame everything starts from; of a model, default: its reference structure.
        quick: short runs and few structures: about a minute for a molecule.
        options: those of the check, as ``rfp_md.validation.checks`` and its function say.

    Returns:
        ``passed``, ``verdict``, and the figures of the check, or of each check under its name; None for a figure that
        is not a number; ``quick``: whether the run was shorter or colder than the default; ``start``: numbers, cell,
        pbc and file (None: the model's own) of the structure that it started from.

    Raises:
        UserError: bad input, an option that the check does not take, or a single check that cannot be made.
    """
    refuse_others(check, options)
    progress = progress or Progress()
    potential, identity = under_test(model, calculator, calculator_arg, structure)
    chosen = rows(check)
    look_at_files(chosen, potential, options)
    results: dict[str, Any] = {}
    keep = model is not None
    for row in chosen:
        if check == ALL:
            progress.section(row.name)
        mine = own_options(row, options, model, quick)
        try:
            found = results[row.name] = record.plain(run_check(row, potential, quick, seed, progress, mine))
        except UserError as error:
            if check != ALL:
                raise
            progress.message(f"{row.name}: {error}")
            results[row.name] = _not_made(error, quick)
            continue
        if model is not None and row.leaves:
            imported(row.leaves)(found, potential, Path(model), progress)
        if model is not None and keep:
            keep = record.remember(model, row.name, found, identity, progress)
    if check != ALL:
        return dict(results[check])
    passed = all(result["passed"] for result in results.values())
    return {"passed": passed, "verdict": str(record.overall(results)), **results}


def look_at_files(chosen: Sequence[Check], potential: AnyPotential, options: Mapping[str, Any]) -> None:
    """Raise UserError for files that a check would refuse, hours later."""
    for option in (option for row in chosen for option in row.options if option.look):
        if (file := options.get(option.name)) is not None:
            imported(option.look)(potential, file)


def own_options(row: Check, options: Mapping[str, Any], model: str | Path | None, quick: bool) -> dict[str, Any]:
    """What one check is told of all options, and the files beside the model that it has by default."""
    mine = {name: value for name, value in options.items() if row.takes(name)}
    # A quick run has little to lose, and must not meet the checkpoint of a whole one.
    if model is None or quick or not os.access(Path(model).parent, os.W_OK):
        return mine
    return {option.name: f"{model}{option.beside}" for option in row.options if option.beside} | mine


def run_check(
    row: Check, potential: AnyPotential, quick: bool, seed: int, progress: Progress, options: Mapping[str, Any]
) -> dict[str, Any]:
    """Run one check and say, beside what it found, what it started from and whether it was shorter than whole."""
    from rfp_md.frames import formula
    from rfp_md.validation.starting_structure import as_record

    function = imported(row.function)
    given = dict(options) | {name: value for name, value in (("quick", quick), ("seed", seed)) if row.takes(name)}
    if "progress" in signature(function).parameters:
        given["progress"] = progress
    reference = potential.reference
    return {
        **function(potential, **given).as_dict(),
        "structure": formula(reference.numbers),
        "start": as_record(reference),
        "quick": row.shortened(quick, options),
    }


def _not_made(error: UserError, quick: bool) -> dict[str, Any]:
    """The result of a check of ``all`` that cannot be made."""
    return {"passed": False, "verdict": "fail", "judged": [], "error": str(error), "quick": quick}
