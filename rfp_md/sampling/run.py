"""Reference frames from any ASE calculator, by molecular dynamics: the function behind ``rfp sample``."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, get_args

import numpy as np
from ase import Atoms

from rfp_md.calculators.by_path import level_of_theory, make_calculator
from rfp_md.dynamics.motion import Motion
from rfp_md.errors import UserError, check_choice
from rfp_md.files.resumable import Resumable
from rfp_md.files.safe_write import check_output
from rfp_md.io import read
from rfp_md.io.atoms import to_atoms
from rfp_md.progress import Progress
from rfp_md.sampling.options import FRICTION, SampleOptions, Thermostat
from rfp_md.sampling.sampler import Sampler, steps_of
from rfp_md.verbs import with_options


@with_options(SampleOptions)
def sample(options: SampleOptions) -> dict[str, Any]:
    """Run molecular dynamics and write labelled frames to an extxyz file: eV, eV/Å and, in a periodic cell, eV/Å³.

    However it ends, the same call goes on from the last checkpoint, which is written every ``stride`` steps, and
    gives the frames that a run without interruption gives (to the last digit where the calculator repeats itself).
    What is finished is never overwritten. One frame is kept every ``stride`` steps, after ``warm_up`` steps.

    Returns:
        output, frames, steps, time_ps, level_of_theory, and resumed_from: how many frames were there before.

    Raises:
        UserError: bad input, an output that is something else, or a calculator that fails.
    """
    progress = options.progress or Progress()
    _check(options)
    output, atoms = Path(options.output), _read(options.start)
    settings = _settings(options, atoms)
    file, name = Resumable(output, settings), _name(settings)
    theory = level_of_theory(options.calculator, options.calculator_arg)
    if output.exists():
        if _name_in(output) != name:
            raise UserError(f"{output}: exists and is not what these options give; delete it, or name another output")
        file.clean_up()
        progress.message(f"{output}: is complete already")
        known = options.frames
    else:
        atoms.calc = make_calculator(options.calculator, options.calculator_arg)
        info = _info(options, theory, name)
        known = Sampler(options, atoms, _motion(options, atoms), file, info, progress).run()
    steps = steps_of(options)
    return {
        "output": str(output),
        "frames": options.frames,
        "steps": steps,
        "time_ps": steps * options.timestep * 1e-3,
        "level_of_theory": theory,
        "resumed_from": known,
    }


def _friction(options: SampleOptions) -> float:
    return FRICTION if options.friction is None else options.friction


def _motion(options: SampleOptions, atoms: Atoms) -> Motion:
    friction = _friction(options) if options.thermostat == "langevin" else None
    return Motion(atoms, options.timestep, options.temperature, friction, options.seed)


def _settings(options: SampleOptions, atoms: Atoms) -> dict[str, Any]:
    """Everything that the frames depend on, by the flags' names."""
    return {
        "START (SHA-256)": _fingerprint(atoms),
        "--calculator": options.calculator,
        "--calculator-arg": " ".join(options.calculator_arg),
        "--frames": options.frames,
        "--stride": options.stride,
        "--timestep": float(options.timestep),
        "--temperature": float(options.temperature),
        "--thermostat": options.thermostat,
        "--friction": float(_friction(options)),
        "--warm-up": options.warm_up,
        "--seed": options.seed,
    }


def _name(settings: dict[str, Any]) -> str:
    """What a run of these settings is called in its frames."""
    return "rfp-" + hashlib.sha256(json.dumps(settings).encode()).hexdigest()[:16]


def _name_in(path: Path) -> str | None:
    """Which run a finished file is of; None if of none of ours."""
    from ase.io import read as read_atoms

    try:
        return str(read_atoms(path, index=0, format="extxyz", do_not_split_by_at_sign=True).info.get("run"))
    except Exception:  # noqa: BLE001
        # Whatever else it is, it is not ours.
        return None


def _info(options: SampleOptions, theory: str, name: str) -> dict[str, Any]:
    """What every frame says of itself."""
    return {
        "level_of_theory": theory,
        "ensemble": "Langevin" if options.thermostat == "langevin" else "NVE",
        "temperature_K": float(options.temperature),
        "energy_unit": "eV",
        "force_unit": "eV/angstrom",
        "run": name,
    }


def _read(start: str | Path) -> Atoms:
    return to_atoms(read(start, stresses=False).blocks[-1], -1)


def _fingerprint(atoms: Atoms) -> str:
    digest = hashlib.sha256()
    for array in (atoms.numbers, atoms.positions, atoms.cell.array, atoms.pbc):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _check(options: SampleOptions) -> None:
    """Refuse numbers that make no run, and an output that cannot be."""
    check_choice("--thermostat", options.thermostat, get_args(Thermostat))
    if options.thermostat == "none" and options.friction is not None:
        raise UserError("--friction has no effect with --thermostat none; leave one of them out")
    for flag, count, least in (
        ("--frames", options.frames, 1),
        ("--stride", options.stride, 1),
        ("--warm-up", options.warm_up, 0),
        ("--seed", options.seed, 0),
    ):
        if count < least:
            raise UserError(f"{flag} {count}: must be at least {least}")
    for flag, number in (
        ("--timestep", options.timestep),
        ("--temperature", options.temperature),
        ("--friction", _friction(options)),
    ):
        if not 0 < number < np.inf:
            raise UserError(f"{flag} {number}: must be a positive number")
    if Path(options.output).suffix not in (".extxyz", ".xyz"):
        raise UserError(f"{options.output}: frames are written as extxyz; name an output that ends in .extxyz")
    check_output(options.output, [options.start])
