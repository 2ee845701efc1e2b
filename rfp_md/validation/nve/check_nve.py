"""Does the total energy stay where it is? Constant-energy dynamics with the potential."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np

from rfp_md.dynamics.motion import BlownUp
from rfp_md.errors import UserError
from rfp_md.files.safe_write import check_output
from rfp_md.prediction import AnyPotential
from rfp_md.progress import Progress
from rfp_md.validation.nve.defaults import LENGTH, QUICK_LENGTH, TEMPERATURES, TIMESTEP, EngineName
from rfp_md.validation.nve.engines import dynamics_of
from rfp_md.validation.nve.figures import uncertain, undecided, worst_of_all
from rfp_md.validation.nve.in_ase import reversal_error
from rfp_md.validation.nve.protocol import FEWEST_STEPS, Protocol
from rfp_md.validation.nve.result import BlownUpRun, NVEResult, NVERun

MOST_STEPS = 100_000_000


def check_nve(
    potential: AnyPotential,
    *,
    length: float | None = None,
    timestep: float = TIMESTEP,
    temperature: float | Sequence[float] = TEMPERATURES,
    seeds: int = 1,
    seed: int = 0,
    engine: EngineName = "ase",
    plot: str | Path | None = None,
    quick: bool = False,
    progress: Progress | None = None,
) -> NVEResult:
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
    protocol = Protocol(potential, dynamics_of(engine, potential), length, timestep)
    progress = progress or Progress()
    progress.start(f"NVE in {engine}", protocol.steps * len(temperatures) * seeds, "steps")
    runs, blown_up = _make_runs(protocol, temperatures, range(seed, seed + seeds), progress)
    result = NVEResult(
        **worst_of_all(runs, bool(blown_up)),
        reversal_error_angstrom=reversal_error(potential, max(temperatures), timestep, seed),
        fluctuation_mev_per_atom=max((r.fluctuation_mev_per_atom for r in runs), default=None),
        mean_temperature_k=float(np.mean([r.mean_temperature_k for r in runs])) if runs else None,
        length_ps=length,
        timestep_fs=timestep,
        engine=engine,
        runs=runs,
        blown_up=blown_up,
        lenient=undecided(runs, bool(blown_up)),
        uncertain=uncertain(runs),
    )
    if plot is not None and runs:
        _plot(runs[-1], plot, result.verdict)
    return result


def _make_runs(
    protocol: Protocol, temperatures: Sequence[float], seeds: Sequence[int], progress: Progress
) -> tuple[list[NVERun], list[BlownUpRun]]:
    """A run for each temperature and seed, and those that came to no end."""
    runs, blown_up = [], []
    for kelvin, number in product(temperatures, seeds):
        try:
            runs.append(protocol.run(kelvin, number, progress))
        except BlownUp as error:
            blown_up.append(BlownUpRun(kelvin, number, str(error)))
    return runs, blown_up


def _check_numbers(length: float, timestep: float, temperatures: Sequence[float], seeds: int, seed: int) -> None:
    """Raise UserError for numbers that make no run."""
    steps = length * 1e3 / timestep if timestep > 0 else 0.0
    hot = temperatures and all(0 < t < np.inf for t in temperatures)
    if not (FEWEST_STEPS <= steps <= MOST_STEPS and hot and seed >= 0 and seeds >= 1):
        raise UserError(
            "an NVE check needs a positive temperature and timestep, seeds that are not negative, and "
            f"{FEWEST_STEPS} to {MOST_STEPS:,} steps (length / timestep)"
        )


def _plot(run: NVERun, path: str | Path, verdict: str) -> None:
    """Draw the conserved energy of one run, and of its first part at half the timestep."""
    from rfp_md.evaluation.plots import plot_conserved

    shown = {
        label: (np.array(points.time_ps), np.array(points.conserved_mev_per_atom))
        for label, points in (("timestep", run.trace), ("half of it", run.half_trace))
    }
    ratio = "–" if run.dt2_ratio is None else f"{run.dt2_ratio:.2f}"
    drift = f"drift {run.drift_mev_per_atom_per_ps:+.2g} meV/atom/ps"
    plot_conserved(shown, path, title=f"NVE, {run.temperature_k:g} K: {drift}, dt² ratio {ratio}: {verdict}")
