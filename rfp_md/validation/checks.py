"""The table of checks: a row for each, from which command line, ``all``, record, report and documentation are made.

A new check is a folder and a row. It is light, so that the command line can ask for it: functions stand in it as
MODULE:FUNCTION, and are imported when they are called.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import get_args

from rfp_md.errors import UserError
from rfp_md.validation.check import Check
from rfp_md.validation.forces import defaults as forces
from rfp_md.validation.nve import defaults as nve
from rfp_md.validation.options import CheckOption
from rfp_md.validation.stability import defaults as stability

ALL = "all"

_QUICK = CheckOption("quick", bool, "Short runs, few structures: a minute for a molecule", False, of_all=True)
_SEED = CheckOption("seed", int, "Seed of velocities and displacements", 0, smallest=0, of_all=True)
_timestep = partial(CheckOption, "timestep", float, "fs")
_length = partial(CheckOption, "length", float, "Of a run, ps")
_temperature = partial(CheckOption, "temperature", float, "K")

CHECKS = (
    Check(
        name="forces",
        function="rfp_md.validation.forces.check_forces:check_forces",
        options=(
            _QUICK,
            _SEED,
            CheckOption("n_structures", int, flag=False, whole=forces.STRUCTURES),
        ),
        label="forces",
        title="Forces and symmetries",
        page="validation/forces/page.html",
        pictures="rfp_md.validation.forces.pictures:pictures",
    ),
    Check(
        name="nve",
        function="rfp_md.validation.nve.check_nve:check_nve",
        options=(
            _QUICK,
            _SEED,
            CheckOption("engine", get_args(nve.EngineName), "What runs the dynamics of nve", "ase", of_all=True),
            _length(default_text=f"{nve.LENGTH:g}", whole=nve.LENGTH),
            _timestep(default=nve.TIMESTEP),
            _temperature(
                default_text=" and ".join(f"{t:g}" for t in nve.TEMPERATURES), several=True, whole=max(nve.TEMPERATURES)
            ),
            CheckOption("seeds", int, "Runs of nve at each temperature", 1, smallest=1),
            CheckOption("plot", Path, "PNG for the conserved energy of nve"),
        ),
        label="NVE",
        title="Conservation of energy (NVE)",
        lacking="This check was not run. Drift and dt² come with:",
        page="validation/nve/page.html",
        pictures="rfp_md.validation.nve.pictures:pictures",
        lines="rfp_md.validation.nve.lines:lines",
    ),
    Check(
        name="stability",
        function="rfp_md.validation.stability.check_stability:check_stability",
        options=(
            _QUICK,
            _SEED,
            _length(default_text=f"{stability.LENGTH:g}", whole=stability.LENGTH),
            _timestep(default=stability.TIMESTEP),
            _temperature(default_text=f"{stability.TEMPERATURE:g}", whole=stability.TEMPERATURE),
            CheckOption(
                "replicas",
                int,
                "Of stability",
                default_text=f"{stability.REPLICAS}, or {stability.QUICK_REPLICAS} with --quick",
                smallest=1,
                whole=stability.REPLICAS,
            ),
            CheckOption(
                "data",
                Path,
                "Reference frames for the pair distances of stability",
                of_all=True,
                look="rfp_md.validation.stability.pair_distances:reference_counts",
            ),
            CheckOption(
                "checkpoint",
                Path,
                "Where stability keeps what it needs to go on",
                default_text="beside the model",
                beside=".stability",
            ),
        ),
        label="stability",
        title="Stability",
        lacking="This check was not run. Replicas and h(r) come with:",
        example="--data FRAMES",
        page="validation/stability/page.html",
        pictures="rfp_md.validation.stability.pictures:pictures",
        lines="rfp_md.validation.stability.lines:lines",
        leaves="rfp_md.validation.stability.departures:write_beside",
    ),
    Check(
        name="geometry",
        function="rfp_md.validation.geometry.check_geometry:check_geometry",
        options=(
            CheckOption(
                "scan",
                Path,
                "Frames along a barrier with energies, for geometry",
                of_all=True,
                look="rfp_md.validation.geometry.torsions:read_scan",
            ),
        ),
        label="geometry",
        title="Minimum, vibrations, barriers",
        lacking="This check was not run. Minimum, vibrations and barriers come with:",
        page="validation/geometry/page.html",
        pictures="rfp_md.validation.geometry.pictures:pictures",
        lines="rfp_md.validation.geometry.lines:lines",
    ),
)


def names() -> list[str]:
    """Of all checks, in their order."""
    return [check.name for check in CHECKS]


def row(name: str) -> Check:
    """Of one check. Raises UserError where there is none."""
    found = next((check for check in CHECKS if check.name == name), None)
    if found is None:
        raise UserError(f"'{name}' is no check; say one of {', '.join(names())}, {ALL} after the model")
    return found


def rows(name: str) -> list[Check]:
    """The checks that ``rfp validate MODEL NAME`` runs. Raises UserError for a name that is none."""
    return list(CHECKS) if name == ALL else [row(name)]


def takers(option: str) -> list[str]:
    """What takes an option: checks, and ``all``."""
    found = [check.name for check in CHECKS if check.takes(option)]
    of_all = any(mine.of_all for check in CHECKS for mine in check.options if mine.name == option)
    return [*found, ALL] if of_all else found


def all_options() -> dict[str, list[tuple[Check, CheckOption]]]:
    """By name, each option as every check that takes it has it."""
    found: dict[str, list[tuple[Check, CheckOption]]] = {}
    for check in CHECKS:
        for option in check.options:
            found.setdefault(option.name, []).append((check, option))
    return found


def refuse_others(name: str, options: Iterable[str]) -> None:
    """Raise UserError for a check that there is not, or for options that it does not take."""
    rows(name)
    for option in options:
        if not (takes := takers(option)):
            known = [mine for mine in all_options() if name in takers(mine)]
            raise UserError(f"'{option}' is no option of 'validate {name}', which takes {', '.join(known)}")
        if name not in takes:
            raise UserError(
                f"--{option} has no effect on 'validate {name}'; leave it out, or validate {' or '.join(takes)}"
            )
