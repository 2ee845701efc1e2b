"""Can this potential be trusted in MD? Checks that give figures and a verdict."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rfp_md.errors import UserError
from rfp_md.progress import Progress
from rfp_md.validation.checks import CHECKS, TAKEN_BY, Check, check_files, refuse_others, run_check
from rfp_md.validation.record import remember
from rfp_md.validation.under_test import under_test

if TYPE_CHECKING:
    pass


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
    from rfp_md.dynamics.lookback import write_departures
    from rfp_md.validation import record

    refuse_others(check, options)
    progress = progress or Progress()
    potential, of = under_test(model, calculator, calculator_arg, structure)
    if check == "all":
        check_files(potential, options.get("data"), options.get("scan"))
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
            results[name] = record.plain(run_check(name, potential, quick, seed, progress, mine))
        except UserError as error:
            if check != "all":
                raise
            progress.message(f"{name}: {error}")
            results[name] = {"passed": False, "verdict": "fail", "judged": [], "error": str(error), "quick": quick}
            continue
        if model is not None and name == "stability":
            write_departures(results[name], potential.reference, Path(model).with_suffix(".breaks.extxyz"), progress)
        if model is not None and kept:
            kept = remember(model, name, results[name], of, progress)
    if check != "all":
        return dict(results[check])
    verdict = record.overall(results)
    return {"passed": all(r["passed"] for r in results.values()), "verdict": str(verdict), **results}
