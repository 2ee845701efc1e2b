"""Does a molecule stay that molecule? Long hot dynamics until a bond breaks that should not.

The protocol of Fu et al. (arXiv:2210.07237): 500 K, Nosé–Hoover, 0.5 fs, 300 ps; a run ends where a bond is off its
equilibrium length by more than 0.5 Å. In a periodic system only bonds of molecules count (``Bonds.of_molecules``):
atoms of a crystal may change their neighbours. Any run ends where two atoms collide (closer than half of the sum of
their covalent radii), where the temperature is twenty times the thermostat's or 300 K, whichever is more, or where
forces are not finite. All replicas are one batch; a stop or a kill costs at most 1/300 of the run, which is computed
again.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from rfp_md.arrays import Ints
from rfp_md.errors import UserError
from rfp_md.files.resumable import Resumable
from rfp_md.prediction import AnyPotential
from rfp_md.progress import Progress
from rfp_md.validation.stability import pair_distances
from rfp_md.validation.stability.watch import LOOK, Run
from rfp_md.validation.thresholds import judge

LENGTH, QUICK_LENGTH = 300.0, 3.0  # ps
REPLICAS, QUICK_REPLICAS = 5, 3
TEMPERATURE = 500.0  # K
FEWEST_FRAMES = 100  # to compare pair distances with
POINTS = 300  # of the series
SETTLED, SETTLED_PART = 1.0, 0.1  # ps, and of the run: the start, all in one structure, tells nothing of pair distances


def check_stability(
    potential: AnyPotential,
    *,
    length: float | None = None,
    timestep: float = 0.5,
    temperature: float = TEMPERATURE,
    replicas: int | None = None,
    seed: int = 0,
    data: str | Path | None = None,
    checkpoint: str | Path | None = None,
    quick: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Run replicas until their bonds break or the time is over.

    Args:
        length: ps; default: 300, or 3 if ``quick``.
        timestep: fs.
        temperature: of the thermostat, K.
        replicas: default: 5, or 3 if ``quick``; their momenta come from the seeds ``seed``, ``seed`` + 1, ...
        data: reference frames, at this temperature, to compare the distribution of pair distances of a molecule with.
        checkpoint: a file from which the same call goes on after a kill; removed in the end.

    Returns:
        passed, verdict, judged; stable_fraction, pair_distance_mae (None without ``data`` or in a crystal), stable_ps
        (mean over the replicas), stable_ps_of_replicas, breaks (where each one that broke did: replica, ps, why:
        "forces", "bond", "collision" or "temperature", force_uncertainty_ev_per_angstrom, positions, and of a bond
        also bond, length_angstrom, equilibrium_angstrom; with a committee departure_positions, where in the last 100 fs
        a force began to be uncertain), series (time_ps, temperature_k, force_uncertainty_ev_per_angstrom: the largest
        of an atom in the batch), pair_distances and reference_pair_distances (h of r, after the first ps, or the first
        tenth of a run below 10 ps).

    Raises:
        UserError: numbers that make no run, data that do not fit, or a checkpoint of another run.
    """
    length = length if length is not None else (QUICK_LENGTH if quick else LENGTH)
    replicas = replicas if replicas is not None else (QUICK_REPLICAS if quick else REPLICAS)
    wanted = length * 1e3 / timestep if timestep > 0 else 0.0
    steps = round(wanted) if np.isfinite(wanted) else 0
    if steps < LOOK or not 0 < temperature < np.inf or replicas < 1 or seed < 0:
        raise UserError(
            "a stability run needs a finite length, a positive temperature and timestep, a seed that is not negative, "
            f"at least one replica, and at least {LOOK} steps (length / timestep)"
        )
    progress = progress or Progress()
    reference = None if data is None else reference_counts(potential, data)
    settled = round(min(SETTLED * 1e3 / timestep, SETTLED_PART * steps))
    run = Run(potential, replicas, timestep, temperature, seed, max(1, steps // POINTS), settled)
    settings = {
        "--length": float(length),
        "--timestep": float(timestep),
        "--temperature": float(temperature),
        "--replicas": replicas,
        "--seed": seed,
        "the model's forces (SHA-256)": _fingerprint(potential),
    }
    if checkpoint is None:
        _go_on(run, steps, progress, None)
    else:
        file = Resumable(Path(checkpoint), settings)
        with file.open():
            if file.state:
                run.restore(file.state)
                progress.message(f"stability: goes on from {run.motion.step * timestep * 1e-3:.2f} of {length:g} ps")
            _go_on(run, steps, progress, file)
            file.clean_up()
    times = [run.broken_at.get(k, steps) * timestep * 1e-3 for k in range(replicas)]
    mae = None
    if reference is not None and not potential.reference.periodic:
        mae = pair_distances.mean_absolute_error(run.counts, reference)
    figures = {
        "stable_fraction": 1.0 - len(run.breaks) / replicas,
        "pair_distance_mae": mae,
    }
    return {
        **judge("stability", figures),
        **figures,
        "stable_ps": float(np.mean(times)),
        "stable_ps_of_replicas": times,
        "length_ps": length,
        "timestep_fs": timestep,
        "temperature_k": temperature,
        "breaks": run.breaks,
        "series": run.series,
        "pair_distances": None if potential.reference.periodic else pair_distances.curve(run.counts),
        "reference_pair_distances": None if reference is None else pair_distances.curve(reference),
    }


def _go_on(run: Run, steps: int, progress: Progress, file: Resumable | None) -> None:
    """To the end; however it ends, what the last checkpoint has is kept: all but 1/300 of the run at most."""
    save_every = max(LOOK, steps // POINTS)
    progress.start("stability", steps - run.motion.step, "steps")
    if file is not None and not file.state:
        file.save(run.state())
    try:
        while run.motion.step < steps and run.alive:
            run.advance()
            progress.advance(1)
            if file is not None and run.motion.step % save_every == 0:
                file.save(run.state())
    except (KeyboardInterrupt, SystemExit):
        further = "a run with --checkpoint could go on" if file is None else "the same command goes on"
        progress.message(f"stability: stopped at step {run.motion.step} of {steps}; {further}")
        raise


def reference_counts(potential: AnyPotential, data: str | Path) -> Ints:
    """Pair distances of reference frames of the potential's molecule.

    Raises:
        UserError: they are of another molecule, or periodic as it is not, or too few: their noise would be its error.
    """
    from rfp_md.io import read

    found: Ints = np.zeros(len(pair_distances.EDGES) - 1, dtype=np.int64)
    dataset = read(data)
    for block in dataset:
        if not np.array_equal(np.sort(block.numbers), np.sort(potential.reference.numbers)):
            raise UserError(f"--data {data}: has other atoms than the potential; give frames of the same molecule")
        if block.periodic and not potential.reference.periodic:
            raise UserError(
                f"--data {data}: is periodic, but the potential starts from a free molecule, whose distances are not "
                "those through a cell's faces; give frames of the free molecule, without a periodic cell"
            )
        found += pair_distances.counts(block.positions)
    if len(dataset) < FEWEST_FRAMES:
        raise UserError(
            f"--data {data}: holds {len(dataset)} frames, of which h(r) is mostly noise; give at least {FEWEST_FRAMES}"
        )
    return found


def _fingerprint(potential: AnyPotential) -> str:
    prediction = potential.compute(potential.reference)
    digest = hashlib.sha256(prediction.energies.tobytes())
    digest.update(prediction.forces.tobytes())
    return digest.hexdigest()[:16]
