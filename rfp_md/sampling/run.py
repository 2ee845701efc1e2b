"""Reference frames from any ASE calculator: molecular dynamics that keeps one frame every so many steps."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from ase import Atoms
from ase.calculators.calculator import PropertyNotImplementedError
from ase.calculators.singlepoint import SinglePointCalculator

from rfp_md.calculators.by_path import level_of_theory, make_calculator
from rfp_md.dynamics.motion import BlownUp, Motion
from rfp_md.errors import UserError, check_choice
from rfp_md.files.resumable import Resumable
from rfp_md.files.safe_write import check_output
from rfp_md.io import read
from rfp_md.progress import Progress

Thermostat = Literal["langevin", "none"]
FRICTION = 0.01  # 1/fs


def sample(
    start: str | Path,
    output: str | Path,
    *,
    calculator: str,
    calculator_arg: Sequence[str] = (),
    frames: int = 500,
    stride: int = 20,
    timestep: float = 0.5,
    temperature: float = 300.0,
    thermostat: Thermostat = "langevin",
    friction: float | None = None,
    warm_up: int = 2000,
    seed: int = 0,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Run molecular dynamics and write labelled frames to an extxyz file.

    However it ends, the same call goes on from the last checkpoint, which is written every ``stride`` steps, and
    gives the frames that a run without interruption gives (to the last digit where the calculator repeats itself).

    Args:
        start: a structure file; of its last frame the species, the positions and the cell are used.
        output: extxyz: energies in eV, forces in eV/Å, in a periodic cell stresses in eV/Å³ if the calculator has
            them. What is finished is never overwritten.
        calculator: ``MODULE:CLASS`` of an ASE calculator.
        calculator_arg: ``KEY=VALUE`` for it.
        frames: how many to keep: one every ``stride`` steps, after ``warm_up`` steps.
        timestep: fs.
        temperature: of the initial velocities and of the thermostat, K.
        thermostat: ``langevin``, or ``none``: constant energy, velocity Verlet.
        friction: of the Langevin thermostat, 1/fs; default: 0.01.

    Returns:
        output, frames, steps, time_ps, level_of_theory, and resumed_from: how many frames were there before.

    Raises:
        UserError: bad input, an output that is something else, or a calculator that fails.
    """
    progress = progress or Progress()
    output = Path(output)
    check_choice("--thermostat", thermostat, ("langevin", "none"))
    if thermostat == "none" and friction is not None:
        raise UserError("--friction has no effect with --thermostat none; leave one of them out")
    friction = FRICTION if friction is None else friction
    _check_numbers(frames, stride, timestep, temperature, friction, warm_up, seed)
    if output.suffix not in (".extxyz", ".xyz"):
        raise UserError(f"{output}: frames are written as extxyz; name an output that ends in .extxyz")
    check_output(output, [start])
    atoms = _read(start)
    settings = {
        "START (SHA-256)": _fingerprint(atoms),
        "--calculator": calculator,
        "--calculator-arg": " ".join(calculator_arg),
        "--frames": frames,
        "--stride": stride,
        "--timestep": float(timestep),
        "--temperature": float(temperature),
        "--thermostat": thermostat,
        "--friction": float(friction),
        "--warm-up": warm_up,
        "--seed": seed,
    }
    steps = warm_up + frames * stride
    theory = level_of_theory(calculator, calculator_arg)
    result = {
        "output": str(output),
        "frames": frames,
        "steps": steps,
        "time_ps": steps * timestep * 1e-3,
        "level_of_theory": theory,
    }
    run = "rfp-" + hashlib.sha256(json.dumps(settings).encode()).hexdigest()[:16]
    file = Resumable(output, settings)
    if output.exists():
        if _run_of(output) != run:
            raise UserError(f"{output}: exists and is not what these options give; delete it, or name another output")
        file.clean_up()
        progress.message(f"{output}: is complete already")
        return result | {"resumed_from": frames}

    info = {
        "level_of_theory": theory,
        "ensemble": "Langevin" if thermostat == "langevin" else "NVE",
        "temperature_K": float(temperature),
        "energy_unit": "eV",
        "force_unit": "eV/angstrom",
        "run": run,
    }
    atoms.calc = make_calculator(calculator, calculator_arg)
    motion = Motion(atoms, timestep, temperature, friction if thermostat == "langevin" else None, seed)
    with file.open():
        if file.state:
            motion.restore(file.state)
            progress.message(f"{output}: goes on from step {motion.step} of {steps}")
        else:
            with _explained(theory, motion):
                motion.begin()
            file.save(motion.state())
        resumed_from = max(0, motion.step - warm_up) // stride
        progress.start("sampling", steps - motion.step, "steps")
        try:
            while motion.step < steps:
                with _explained(theory, motion):
                    motion.advance()
                progress.advance(1)
                if (motion.step - warm_up) % stride:
                    continue
                if motion.step > warm_up:
                    moment = {"step": motion.step, "time_fs": round(motion.step * timestep, 6)}
                    with _explained(theory, motion):
                        frame = _frame(atoms, info | moment)
                    file.append(frame)
                file.save(motion.state())
        except (KeyboardInterrupt, SystemExit):
            progress.message(f"{output}: stopped at step {motion.step} of {steps}; the same command goes on")
            raise
        file.finish()
    return result | {"resumed_from": resumed_from}


@contextlib.contextmanager
def _explained(theory: str, motion: Motion) -> Iterator[None]:
    """Whatever the calculator raises becomes one sentence."""
    try:
        yield
    except BlownUp as error:
        raise UserError(
            f"{theory}: the run blew up in step {motion.step} ({error}); take a smaller --timestep, or a START nearer "
            "to a minimum of the energy"
        ) from error
    except Exception as error:
        kept = "; what is there is kept, and the same command goes on from it" if motion.step else ""
        raise UserError(
            f"{theory}: failed after step {motion.step} ({type(error).__name__}: {error}); check START, "
            f"--calculator-arg and --timestep{kept}"
        ) from error


def _frame(atoms: Atoms, info: dict[str, Any]) -> str:
    """The present frame with its labels, as extxyz."""
    from ase.io import write

    frame = Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=atoms.pbc, info=info)
    # Where electrons are smeared, the forces are the gradient of the free energy.
    smeared = "free_energy" in getattr(atoms.calc, "implemented_properties", ())
    labels = {"energy": atoms.get_potential_energy(force_consistent=smeared), "forces": atoms.get_forces()}
    if atoms.pbc.any() and atoms.cell.rank == 3:
        with contextlib.suppress(PropertyNotImplementedError):
            labels["stress"] = atoms.get_stress()
    frame.calc = SinglePointCalculator(frame, **labels)
    text = io.StringIO()
    write(text, frame, format="extxyz")
    return text.getvalue()


def _read(start: str | Path) -> Atoms:
    frames = read(start).blocks[-1]
    cell = None if frames.cells is None else frames.cells[-1]
    return Atoms(frames.numbers, frames.positions[-1], cell=cell, pbc=frames.pbc)


def _fingerprint(atoms: Atoms) -> str:
    digest = hashlib.sha256()
    for array in (atoms.numbers, atoms.positions, atoms.cell.array, atoms.pbc):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _run_of(path: Path) -> str | None:
    """Which run a finished file is of; None if of none of ours."""
    from ase.io import read as read_atoms

    try:
        return str(read_atoms(path, index=0, format="extxyz", do_not_split_by_at_sign=True).info.get("run"))
    except Exception:  # noqa: BLE001
        # Whatever else it is, it is not ours.
        return None


def _check_numbers(
    frames: int, stride: int, timestep: float, temperature: float, friction: float, warm_up: int, seed: int
) -> None:
    for flag, count, least in (
        ("--frames", frames, 1),
        ("--stride", stride, 1),
        ("--warm-up", warm_up, 0),
        ("--seed", seed, 0),
    ):
        if count < least:
            raise UserError(f"{flag} {count}: must be at least {least}")
    for flag, number in (("--timestep", timestep), ("--temperature", temperature), ("--friction", friction)):
        if not 0 < number < np.inf:
            raise UserError(f"{flag} {number}: must be a positive number")
