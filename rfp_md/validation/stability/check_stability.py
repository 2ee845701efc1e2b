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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rfp_md.arrays import Ints
from rfp_md.errors import UserError
from rfp_md.files.resumable import Resumable
from rfp_md.prediction import AnyPotential
from rfp_md.progress import Progress
from rfp_md.validation.stability import pair_distances
from rfp_md.validation.stability.defaults import (
    LENGTH,
    QUICK_LENGTH,
    QUICK_REPLICAS,
    REPLICAS,
    TEMPERATURE,
    TIMESTEP,
)
from rfp_md.validation.stability.result import StabilityResult
from rfp_md.validation.stability.watch import LOOK, ReplicaWatch

POINTS = 300  # of the series
SETTLED, SETTLED_PART = 1.0, 0.1  # ps, and of the run: the start, all in one structure, tells nothing of pair distances


def check_stability(
    potential: AnyPotential,
    *,
    length: float | None = None,
    timestep: float = TIMESTEP,
    temperature: float = TEMPERATURE,
    replicas: int | None = None,
    seed: int = 0,
    data: str | Path | None = None,
    checkpoint: str | Path | None = None,
    quick: bool = False,
    progress: Progress | None = None,
) -> StabilityResult:
    """Run replicas until their bonds break or the time is over.

    Args:
        length: ps; default: 300, or 3 if ``quick``.
        timestep: fs.
        temperature: of the thermostat, K.
        replicas: default: 5, or 3 if ``quick``; their momenta come from the seeds ``seed``, ``seed`` + 1, ...
        data: reference frames, at this temperature, to compare the distribution of pair distances of a molecule with.
        checkpoint: a file from which the same call goes on after a kill; removed in the end.

    Raises:
        UserError: numbers that make no run, data that do not fit, or a checkpoint of another run.
    """
    settings = _Settings(
        length=length if length is not None else (QUICK_LENGTH if quick else LENGTH),
        timestep=timestep,
        temperature=temperature,
        replicas=replicas if replicas is not None else (QUICK_REPLICAS if quick else REPLICAS),
        seed=seed,
    )
    settings.check()
    reference = None if data is None else pair_distances.reference_counts(potential, data)
    watch = settings.watch(potential)
    if checkpoint is None:
        _go_on(watch, settings, progress or Progress(), None)
    else:
        file = Resumable(Path(checkpoint), settings.by_flag() | {_FINGERPRINT: _fingerprint(potential)})
        _resume(watch, settings, progress or Progress(), file)
    return _result(watch, settings, reference, potential.reference.periodic)


@dataclass(frozen=True)
class _Settings:
    """The numbers of a run: ps, fs, K."""

    length: float
    timestep: float
    temperature: float
    replicas: int
    seed: int

    @property
    def steps(self) -> int:
        """Of the whole run; 0 where the numbers make none."""
        wanted = self.length * 1e3 / self.timestep if self.timestep > 0 else 0.0
        return round(wanted) if np.isfinite(wanted) else 0

    def check(self) -> None:
        """Raise UserError for numbers that make no run."""
        if self.steps < LOOK or not 0 < self.temperature < np.inf or self.replicas < 1 or self.seed < 0:
            raise UserError(
                "a stability run needs a finite length, a positive temperature and timestep, a seed that is not "
                f"negative, at least one replica, and at least {LOOK} steps (length / timestep)"
            )

    def by_flag(self) -> dict[str, Any]:
        """What a checkpoint must be of, as the user gave it."""
        return {
            "--length": float(self.length),
            "--timestep": float(self.timestep),
            "--temperature": float(self.temperature),
            "--replicas": self.replicas,
            "--seed": self.seed,
        }

    def watch(self, potential: AnyPotential) -> ReplicaWatch:
        """The replicas at their start."""
        settled = round(min(SETTLED * 1e3 / self.timestep, SETTLED_PART * self.steps))
        return ReplicaWatch(
            potential,
            self.replicas,
            self.timestep,
            self.temperature,
            self.seed,
            stride=max(1, self.steps // POINTS),
            settled=settled,
        )


_FINGERPRINT = "the model's forces (SHA-256)"


def _fingerprint(potential: AnyPotential) -> str:
    """Of energy and forces of the reference structure: another model gives others."""
    prediction = potential.compute(potential.reference)
    digest = hashlib.sha256(prediction.energies.tobytes())
    digest.update(prediction.forces.tobytes())
    return digest.hexdigest()[:16]


def _resume(watch: ReplicaWatch, settings: _Settings, progress: Progress, file: Resumable) -> None:
    """From where a file left the run to the end, which leaves nothing of the file."""
    with file.open():
        if file.state:
            watch.restore(file.state)
            done = watch.motion.step * settings.timestep * 1e-3
            progress.message(f"stability: goes on from {done:.2f} of {settings.length:g} ps")
        _go_on(watch, settings, progress, file)
        file.clean_up()


def _go_on(watch: ReplicaWatch, settings: _Settings, progress: Progress, file: Resumable | None) -> None:
    """To the end; however it ends, what the last checkpoint has is kept: all but 1/300 of the run at most."""
    steps = settings.steps
    save_every = max(LOOK, steps // POINTS)
    progress.start("stability", steps - watch.motion.step, "steps")
    if file is not None and not file.state:
        file.save(watch.state())
    try:
        while watch.motion.step < steps and watch.alive:
            watch.advance()
            progress.advance(1)
            if file is not None and watch.motion.step % save_every == 0:
                file.save(watch.state())
    except (KeyboardInterrupt, SystemExit):
        further = "a run with --checkpoint could go on" if file is None else "the same command goes on"
        progress.message(f"stability: stopped at step {watch.motion.step} of {steps}; {further}")
        raise


def _result(watch: ReplicaWatch, settings: _Settings, reference: Ints | None, periodic: bool) -> StabilityResult:
    """What was seen until the end; pair distances (counts of the reference's, if there are any) of a molecule only."""
    times = [watch.broken_at.get(k, settings.steps) * settings.timestep * 1e-3 for k in range(settings.replicas)]
    mae = None
    if reference is not None and not periodic:
        mae = pair_distances.mean_absolute_error(watch.counts, reference)
    return StabilityResult(
        stable_fraction=1.0 - len(watch.breaks) / settings.replicas,
        pair_distance_mae=mae,
        stable_ps=float(np.mean(times)),
        stable_ps_of_replicas=times,
        length_ps=settings.length,
        timestep_fs=settings.timestep,
        temperature_k=settings.temperature,
        breaks=watch.breaks,
        series=watch.series,
        pair_distances=None if periodic else pair_distances.curve(watch.counts),
        reference_pair_distances=None if reference is None else pair_distances.curve(reference),
    )
