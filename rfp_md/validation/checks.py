"""The names of the checks, and what each can be told; light, so that the command line can ask for it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from rfp_md.errors import UserError

if TYPE_CHECKING:
    from rfp_md.prediction import AnyPotential
    from rfp_md.progress import Progress

Check = Literal["forces", "nve", "stability", "geometry", "all"]
CHECKS: tuple[str, ...] = get_args(Check)[:-1]

TAKEN_BY = {
    "engine": ("nve", "all"),
    "length": ("nve", "stability"),
    "timestep": ("nve", "stability"),
    "temperature": ("nve", "stability"),
    "n_structures": ("forces",),
    "seeds": ("nve",),
    "replicas": ("stability",),
    "plot": ("nve",),
    "data": ("stability", "all"),
    "scan": ("geometry", "all"),
    "checkpoint": ("stability",),
    "quick": ("forces", "nve", "stability", "all"),
    "seed": ("forces", "nve", "stability", "all"),
}


def refuse_others(check: str, options: Iterable[str]) -> None:
    """Raise UserError for a check that there is not, or for options that it does not take."""
    if check not in (*CHECKS, "all"):
        raise UserError(f"'{check}' is no check; say one of {', '.join(CHECKS)}, all after the model")
    for name in options:
        if name not in TAKEN_BY:
            known = [option for option, checks in TAKEN_BY.items() if check in checks]
            raise UserError(f"'{name}' is no option of 'validate {check}', which takes {', '.join(known)}")
        if check not in TAKEN_BY[name]:
            raise UserError(
                f"--{name} has no effect on 'validate {check}'; leave it out, or validate {' or '.join(TAKEN_BY[name])}"
            )


def run_check(
    name: str, potential: AnyPotential, quick: bool, seed: int, progress: Progress, options: dict[str, Any]
) -> dict[str, Any]:
    from rfp_md.frames import formula
    from rfp_md.validation.forces.check_forces import check_forces
    from rfp_md.validation.geometry.check_geometry import check_geometry
    from rfp_md.validation.nve.check_nve import check_nve
    from rfp_md.validation.stability.check_stability import check_stability
    from rfp_md.validation.under_test import start_of

    structure = {"structure": formula(potential.reference.numbers), "start": start_of(potential.reference)}
    if name == "geometry":
        return {**check_geometry(potential, **options), **structure, "quick": False}
    if name == "forces":
        result = check_forces(potential, seed=seed, quick=quick, **options)
    else:
        check = check_nve if name == "nve" else check_stability
        result = check(potential, seed=seed, quick=quick, progress=progress, **options)
    return {**result, **structure, "quick": quick or _shorter(name, result, options)}


def _shorter(name: str, result: dict[str, Any], options: dict[str, Any]) -> bool:
    """Whether a run says less than that of the defaults."""
    import numpy as np

    from rfp_md.validation.forces import check_forces as forces
    from rfp_md.validation.nve import check_nve as nve
    from rfp_md.validation.stability import check_stability as stability

    if name == "forces":
        return (options.get("n_structures") or forces.STRUCTURES) < forces.STRUCTURES
    if name == "nve":
        cold = np.max(options.get("temperature", nve.TEMPERATURES)) < max(nve.TEMPERATURES)
        return bool(cold or result["length_ps"] < nve.LENGTH)
    cold = options.get("temperature", stability.TEMPERATURE) < stability.TEMPERATURE
    few = len(result["stable_ps_of_replicas"]) < stability.REPLICAS
    return bool(cold or few or result["length_ps"] < stability.LENGTH)


def check_files(potential: AnyPotential, data: str | Path | None, scan: str | Path | None) -> None:
    """Raise UserError for files that a check would refuse, hours later."""
    from rfp_md.validation.geometry.torsions import read_scan
    from rfp_md.validation.stability.check_stability import reference_counts

    if data is not None:
        reference_counts(potential, data)
    if scan is not None:
        read_scan(scan, potential)
