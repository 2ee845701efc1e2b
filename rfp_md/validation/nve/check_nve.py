"""Does the total energy stay where it is? Constant-energy dynamics with the potential."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from ase import Atoms

from rfp_md.arrays import Floats
from rfp_md.dynamics.momenta import temperature_of
from rfp_md.dynamics.motion import BlownUp
from rfp_md.errors import UserError
from rfp_md.files.safe_write import check_output
from rfp_md.logs.trace import Trace
from rfp_md.potential import Potential
from rfp_md.prediction import AnyPotential
from rfp_md.progress import Progress
from rfp_md.validation.nve.figures import undecided, worst_of_all
from rfp_md.validation.nve.in_ase import check_tame, reversal_error, run_ase, warmed_up
from rfp_md.validation.thresholds import judge

Engine = Literal["ase", "ipi", "lammps"]
Run = Callable[[Any, Atoms, float, float, Progress], Trace]

TEMPERATURES = (300.0, 500.0)  # K
LENGTH, QUICK_LENGTH = 20.0, 2.0  # ps
FEWEST_STEPS, MOST_STEPS = 20, 100_000_000
DT2_LENGTH = 0.25  # ps; two runs from one start stay together that long, after 2 ps chance makes ratios of 3 to 5
WARM_UP, WARM_UP_SHARE = 1.0, 0.25  # ps with a thermostat before a run, and at most that share of it
POINTS = 400  # of a trace that are kept


def check_nve(
    potential: AnyPotential,
    *,
    length: float | None = None,
    timestep: float = 0.5,
    temperature: float | Sequence[float] = TEMPERATURES,
    seeds: int = 1,
    seed: int = 0,
    engine: Engine = "ase",
    plot: str | Path | None = None,
    quick: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Run NVE from warm structures, then its first part twice more: at the timestep and at half of it.

    A smooth potential whose forces are exact passes: the drift vanishes but for the integrator, whose
    error is of second order, so that half the timestep leaves a quarter of the fluctuation.

    Args:
        length: of a run, ps; default: 20, or 2 if ``quick``. Before it come up to 1 ps with a thermostat, from the
            reference structure, which do not count.
        timestep: fs.
        temperature: one or several, of the thermostat, K.
        seeds: runs at each temperature, from the seeds ``seed``, ``seed`` + 1, ...
        engine: ``ase`` in this process; ``ipi``: real i-PI with rfp-driver over a unix socket; ``lammps``: LAMMPS with
            rfp-lammps.
        plot: a PNG for the conserved energy.

    Returns:
        passed, verdict, judged; the figures of ``rfp_md.validation.thresholds``, the worst of all runs;
        fluctuation_mev_per_atom, mean_temperature_k, length_ps, timestep_fs, engine, ``runs``: the same of each run
        with its temperature_k, seed, drift_error_mev_per_atom_per_ps, fluctuations of its first part at the timestep
        and at half of it, and traces of all three; ``blown_up``: the runs that came to no end, each of which is a
        failure. dt2_ratio and drift_ratio are None, and not judged, where no energy changes but for rounding: atoms
        out of each other's reach.

    Raises:
        UserError: a run that is too short, a single atom, or an engine that is not there, does not start, or only runs
            our models.
    """
    length = length if length is not None else (QUICK_LENGTH if quick else LENGTH)
    temperatures = [float(t) for t in np.atleast_1d(temperature)]
    _check_numbers(length, timestep, temperatures, seeds, seed)
    if plot is not None:
        check_output(plot)
    if potential.reference.n_atoms == 1:
        raise UserError("one atom does not move against itself, so that NVE says nothing; give a larger cell")
    run = _engine(engine, potential)
    progress = progress or Progress()
    short = min(length, max(DT2_LENGTH, FEWEST_STEPS * timestep * 1e-3))
    steps = (length + 3 * short) * 1e3 / timestep
    progress.start(f"NVE in {engine}", round(steps) * len(temperatures) * seeds, "steps")
    runs, blown_up = [], []
    for kelvin in temperatures:
        for number in range(seed, seed + seeds):
            try:
                start = warmed_up(potential, kelvin, number, min(WARM_UP, WARM_UP_SHARE * length))
                trace = run(potential, start, length, timestep, progress)
                # Again, because of a long run the engines log too few of the first steps to compare.
                first = run(potential, start, short, timestep, progress)
                half = run(potential, start, short, timestep / 2, progress)
                check_tame(trace)
            except BlownUp as error:
                blown_up.append({"temperature_k": kelvin, "seed": number, "text": str(error)})
            else:
                runs.append(_summary(trace, first, half, kelvin, number))
    figures = worst_of_all(runs, bool(blown_up)) | {
        "reversal_error_angstrom": reversal_error(potential, max(temperatures), timestep, seed)
    }
    judged = judge("nve", figures, lenient=undecided(runs, bool(blown_up)))
    if plot is not None and runs:
        _plot(runs[-1], plot, judged["verdict"])
    return {
        **judged,
        **figures,
        "fluctuation_mev_per_atom": max((r["fluctuation_mev_per_atom"] for r in runs), default=None),
        "mean_temperature_k": float(np.mean([r["mean_temperature_k"] for r in runs])) if runs else None,
        "length_ps": length,
        "timestep_fs": timestep,
        "engine": engine,
        "runs": runs,
        "blown_up": blown_up,
    }


def mean_temperature(trace: Trace) -> float:
    """Mean kinetic temperature, K."""
    return float(temperature_of(trace.kinetic, trace.degrees_of_freedom).mean())


def _summary(trace: Trace, first: Trace, half: Trace, temperature: float, seed: int) -> dict[str, Any]:
    """One run, and its first part at the timestep and at half of it."""
    return {
        "temperature_k": temperature,
        "seed": seed,
        "drift_mev_per_atom_per_ps": trace.drift,
        "drift_error_mev_per_atom_per_ps": trace.drift_error,
        "drift_ratio": trace.drift_ratio,
        "fluctuation_mev_per_atom": trace.fluctuation,
        "fluctuation_first_mev_per_atom": first.fluctuation,
        "fluctuation_half_mev_per_atom": half.fluctuation,
        "dt2_ratio": first.dt2_ratio(half),
        "mean_temperature_k": mean_temperature(trace),
        "momentum_drift": trace.momentum_drift,
        "angular_momentum_drift": trace.angular_momentum_drift,
        "trace": _thinned(trace),
        "first_trace": _thinned(first),
        "half_trace": _thinned(half),
    }


def _thinned(trace: Trace) -> dict[str, list[float]]:
    """Some points of a trace: time in ps, conserved energy per atom less its mean in meV."""
    stride = max(1, len(trace.times) // POINTS)
    centred: Floats = 1e3 * (trace.conserved - trace.conserved.mean()) / trace.n_atoms
    return {
        "time_ps": [round(t, 6) for t in trace.times[::stride].tolist()],
        "conserved_mev_per_atom": [round(e, 6) for e in centred[::stride].tolist()],
    }


def _engine(name: Engine, potential: AnyPotential) -> Run:
    if name == "ase":
        return run_ase
    if not isinstance(potential, Potential):
        raise UserError(f"--engine {name}: runs .rfp models only; validate a calculator with --engine ase")
    if name == "lammps":
        from rfp_md.validation.nve.in_lammps import run_lammps

        return run_lammps
    from rfp_md.validation.nve.in_ipi import run_ipi

    return run_ipi


def _check_numbers(length: float, timestep: float, temperatures: Sequence[float], seeds: int, seed: int) -> None:
    steps = length * 1e3 / timestep if timestep > 0 else 0.0
    hot = temperatures and all(0 < t < np.inf for t in temperatures)
    if not (FEWEST_STEPS <= steps <= MOST_STEPS and hot and seed >= 0 and seeds >= 1):
        raise UserError(
            "an NVE check needs a positive temperature and timestep, seeds that are not negative, and "
            f"{FEWEST_STEPS} to {MOST_STEPS:,} steps (length / timestep)"
        )


def _plot(run: dict[str, Any], path: str | Path, verdict: str) -> None:
    from rfp_md.evaluation.plots import plot_conserved

    shown = {}
    for label, key in (("timestep", "trace"), ("half of it", "half_trace")):
        shown[label] = np.array(run[key]["time_ps"]), np.array(run[key]["conserved_mev_per_atom"])
    drift = run["drift_mev_per_atom_per_ps"]
    ratio = "–" if run["dt2_ratio"] is None else f"{run['dt2_ratio']:.2f}"
    title = f"NVE, {run['temperature_k']:g} K: drift {drift:+.2g} meV/atom/ps, dt² ratio {ratio}: {verdict}"
    plot_conserved(shown, path, title=title)
