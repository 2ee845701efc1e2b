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

from rfp_md.errors import UserError
from rfp_md.frames import Floats, Ints
from rfp_md.potential import Potential
from rfp_md.progress import Progress
from rfp_md.resumable import Resumable
from rfp_md.validation import pair_distances
from rfp_md.validation.bonds import Bonds, collisions
from rfp_md.validation.geometry import relax
from rfp_md.validation.lookback import Lookback
from rfp_md.validation.replicas import Replicas
from rfp_md.validation.subject import Subject
from rfp_md.validation.thresholds import judge

LENGTH, QUICK_LENGTH = 300.0, 3.0  # ps
REPLICAS, QUICK_REPLICAS = 5, 3
TEMPERATURE = 500.0  # K
LONGEST_OFF = 0.5  # Å
FEWEST_FRAMES = 100  # to compare pair distances with
LOOK = 10  # steps between looks at the bonds and distances
POINTS = 300  # of the series
SETTLED, SETTLED_PART = 1.0, 0.1  # ps, and of the run: the start, all in one structure, tells nothing of pair distances
HOT = 20.0  # times the temperature: a run that got out of hand without breaking a bond
COLD = 300.0  # K; below it, what a hot training structure gives back as it relaxes is more than the thermostat


def check_stability(
    subject: Subject,
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
    reference = None if data is None else reference_counts(subject, data)
    settled = round(min(SETTLED * 1e3 / timestep, SETTLED_PART * steps))
    run = Run(subject, replicas, timestep, temperature, seed, max(1, steps // POINTS), settled)
    settings = {
        "--length": float(length),
        "--timestep": float(timestep),
        "--temperature": float(temperature),
        "--replicas": replicas,
        "--seed": seed,
        "the model's forces (SHA-256)": _fingerprint(subject),
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
    if reference is not None and not subject.reference.periodic:
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
        "pair_distances": None if subject.reference.periodic else pair_distances.curve(run.counts),
        "reference_pair_distances": None if reference is None else pair_distances.curve(reference),
    }


class Run:
    """Replicas on their way, and what was seen of them.

    Attributes:
        broken_at: the step at which a replica broke, by its number.
        counts: of pair distances, of all replicas once they settled and before they broke.
    """

    def __init__(
        self,
        subject: Subject,
        replicas: int,
        timestep: float,
        temperature: float,
        seed: int,
        stride: int,
        settled: int,
    ) -> None:
        self.motion = Replicas(subject, replicas, timestep, temperature, seed)
        self.alive = list(range(replicas))
        self.broken_at: dict[int, int] = {}
        self.breaks: list[dict[str, Any]] = []
        self.series: dict[str, list[float | None]] = {
            "time_ps": [],
            "temperature_k": [],
            "force_uncertainty_ev_per_angstrom": [],
        }
        self.counts: Ints = np.zeros(len(pair_distances.EDGES) - 1, dtype=np.int64)
        self._subject, self._stride, self._timestep, self._temperature = subject, stride, timestep, temperature
        self._settled = settled
        self._bonds = _equilibrium(subject)
        self._committee = committee_of(subject)
        self._lookback = None if self._committee is None else Lookback(self._committee)
        if not np.isfinite(self.motion.forces).all():
            self._look()

    def advance(self) -> None:
        """One step, and every so often a look."""
        self.motion.advance()
        step = self.motion.step
        # From forces that are no numbers, the next step would make a structure that none of the replicas survives.
        if step % LOOK == 0 or not np.isfinite(self.motion.kinetic).all():
            self._look()
        if step % self._stride == 0 and self.alive:
            self.series["time_ps"].append(round(step * self._timestep * 1e-3, 6))
            self.series["temperature_k"].append(round(float(self.motion.temperatures.mean()), 3))
            self.series["force_uncertainty_ev_per_angstrom"].append(self._uncertainty(None))

    def state(self) -> dict[str, Any]:
        return {
            "motion": self.motion.state(),
            "alive": self.alive,
            "broken_at": self.broken_at,
            "breaks": self.breaks,
            "series": self.series,
            "counts": self.counts.tolist(),
            "lookback": None if self._lookback is None else self._lookback.state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.motion.restore(state["motion"])
        self.alive, self.breaks, self.series = state["alive"], state["breaks"], state["series"]
        self.broken_at = {int(k): step for k, step in state["broken_at"].items()}
        self.counts = np.array(state["counts"], dtype=np.int64)
        if self._lookback is not None:
            self._lookback.restore(state["lookback"])

    def _look(self) -> None:
        """Replicas that broke end here; the others' pair distances count."""
        off = np.abs(self._bonds.measure(self.motion.positions) - self._bonds.lengths)
        finite = np.isfinite(self.motion.kinetic) & np.isfinite(self.motion.forces).all(axis=(1, 2))
        whys = np.full(len(finite), "", dtype=object)
        whys[self.motion.temperatures > HOT * max(self._temperature, COLD)] = "temperature"
        whys[finite] = np.where(collisions(self.motion.frames[np.flatnonzero(finite)]), "collision", whys[finite])
        whys[off.max(axis=1, initial=0.0) > LONGEST_OFF] = "bond"
        whys[~finite] = "forces"
        if self._lookback is not None:
            self._lookback.see(self.motion.positions)
        broken = whys != ""
        for k in np.flatnonzero(broken):
            self._record(int(k), whys[k], off[k])
        if broken.any():
            self.motion.keep(~broken)
            if self._lookback is not None:
                self._lookback.keep(~broken)
            self.alive = [replica for replica, gone in zip(self.alive, broken, strict=True) if not gone]
        if self.alive and not self._subject.reference.periodic and self.motion.step >= self._settled:
            self.counts += pair_distances.counts(self.motion.positions)

    def _record(self, k: int, why: str, off: Floats) -> None:
        step, replica = self.motion.step, self.alive[k]
        self.broken_at[replica] = step
        entry: dict[str, Any] = {"replica": replica, "ps": step * self._timestep * 1e-3, "why": why}
        if why == "bond":
            worst = int(off.argmax())
            entry |= {
                "bond": self._bonds.pairs[worst].tolist(),
                "length_angstrom": float(self._bonds.measure(self.motion.positions[k : k + 1])[0, worst]),
                "equilibrium_angstrom": float(self._bonds.lengths[worst]),
            }
        entry |= {
            "force_uncertainty_ev_per_angstrom": self._uncertainty(k),
            "positions": self.motion.positions[k].tolist(),
        }
        if self._lookback is not None:
            entry["departure_positions"] = self._lookback.departure(k).tolist()
        self.breaks.append(entry)

    def _uncertainty(self, k: int | None) -> float | None:
        """The largest of an atom's force, eV/Å, of one replica or of all; None where the model does not know."""
        if self._committee is None:
            return None
        chosen = slice(None) if k is None else slice(k, k + 1)
        value = float(self._committee.uncertainty(self.motion.frames[chosen]).atoms.max())
        return round(value, 6) if np.isfinite(value) else None


def committee_of(subject: Subject) -> Potential | None:
    """The subject, if it is a model that says how uncertain it is."""
    if not isinstance(subject, Potential):
        return None
    try:
        subject.uncertainty(subject.reference)
    except UserError:
        return None
    return subject


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


def _equilibrium(subject: Subject) -> Bonds:
    """The bonds of the molecules in the minimum, or those of the reference where that has others.

    A hot reference misses a bond that happens to be long there; one that the relaxation made from afar is another.
    """
    bonds = Bonds.of_molecules(subject.reference)
    relaxed, _ = relax(subject, subject.reference)
    found = Bonds.of_molecules(relaxed)
    made = found.without(bonds)
    afar = np.abs(made.lengths - made.measure(subject.reference.positions)[0]) > LONGEST_OFF
    return bonds if len(bonds.without(found).pairs) or afar.any() else found


def reference_counts(subject: Subject, data: str | Path) -> Ints:
    """Pair distances of reference frames of the subject's molecule.

    Raises:
        UserError: they are of another molecule, or periodic as it is not, or too few: their noise would be its error.
    """
    from rfp_md.io import read

    found: Ints = np.zeros(len(pair_distances.EDGES) - 1, dtype=np.int64)
    dataset = read(data)
    for block in dataset:
        if not np.array_equal(np.sort(block.numbers), np.sort(subject.reference.numbers)):
            raise UserError(f"--data {data}: has other atoms than the potential; give frames of the same molecule")
        if block.periodic and not subject.reference.periodic:
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


def _fingerprint(subject: Subject) -> str:
    prediction = subject.compute(subject.reference)
    digest = hashlib.sha256(prediction.energies.tobytes())
    digest.update(prediction.forces.tobytes())
    return digest.hexdigest()[:16]
