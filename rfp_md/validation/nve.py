"""Does the total energy stay where it is? Constant-energy dynamics with the potential, and a verdict."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np

from rfp_md.errors import UserError
from rfp_md.files import check_output
from rfp_md.potential import Potential
from rfp_md.validation.drift import Trace

Engine = Literal["ase", "ipi"]

STRICT_DRIFT = 0.01  # meV/atom/ps
LARGEST_DRIFT = 0.1  # meV/atom/ps
LARGEST_RATIO = 0.1  # drift over the run / standard deviation of the kinetic energy
DT2_RANGE = (3.2, 4.8)  # velocity Verlet is of second order: 4 ± 20 %
FEWEST_STEPS, MOST_STEPS = 20, 100_000_000
DT2_LENGTH = 2.0  # ps; two runs from one start stay together that long


def check_nve(
    potential: Potential,
    *,
    length: float = 20.0,
    timestep: float = 0.5,
    temperature: float = 300.0,
    seed: int = 0,
    engine: Engine = "ase",
    plot: str | Path | None = None,
) -> dict[str, Any]:
    """Run NVE from the model's reference structure with thermal velocities, then a part of it at half the timestep.

    A smooth potential whose forces are exact passes: the drift vanishes but for the integrator, whose
    error is of second order, so that half the timestep leaves a quarter of the fluctuation.

    Args:
        length: ps.
        timestep: fs.
        temperature: of the initial velocities, K.
        engine: ``ase`` in this process, or ``ipi``: real i-PI with rfp-driver over a unix socket.
        plot: a PNG for the conserved energy.

    Returns:
        passed, verdict, drift_mev_per_atom_per_ps, drift_ratio, dt2_ratio, fluctuation_mev_per_atom,
        mean_temperature_k, length_ps, timestep_fs, engine.

    Raises:
        UserError: a run that is too short, or a run that breaks down.
    """
    steps = length * 1e3 / timestep if timestep > 0 else 0.0
    if not (FEWEST_STEPS <= steps <= MOST_STEPS and 0 < temperature < np.inf and seed >= 0):
        raise UserError(
            f"an NVE check needs a positive temperature and timestep, a seed that is not negative, and {FEWEST_STEPS} "
            f"to {MOST_STEPS:,} steps (length / timestep)"
        )
    if plot is not None:
        check_output(plot)
    run = _engine(engine)
    trace = run(potential, length, timestep, temperature, seed)
    short = min(length, DT2_LENGTH)
    half = run(potential, short, timestep / 2, temperature, seed)
    dt2_ratio = trace.until(short).fluctuation / half.fluctuation
    drift, ratio = trace.drift, trace.drift_ratio
    passed = abs(drift) <= LARGEST_DRIFT and ratio <= LARGEST_RATIO and DT2_RANGE[0] <= dt2_ratio <= DT2_RANGE[1]
    verdict = "fails" if not passed else "conserves energy" + (" (strict)" if abs(drift) <= STRICT_DRIFT else "")
    if plot is not None:
        from rfp_md.plots import plot_conserved

        runs = {f"{step:g} fs": _centred(part) for step, part in ((timestep, trace), (timestep / 2, half))}
        plot_conserved(runs, plot, title=f"NVE: drift {drift:+.2g} meV/atom/ps, dt² ratio {dt2_ratio:.2f}: {verdict}")
    return {
        "passed": passed,
        "verdict": verdict,
        "drift_mev_per_atom_per_ps": drift,
        "drift_ratio": ratio,
        "dt2_ratio": dt2_ratio,
        "fluctuation_mev_per_atom": trace.fluctuation,
        "mean_temperature_k": mean_temperature(trace),
        "length_ps": length,
        "timestep_fs": timestep,
        "engine": engine,
    }


def run_ase(potential: Potential, length: float, timestep: float, temperature: float, seed: int) -> Trace:
    """Velocity Verlet in this process; every step is recorded."""
    import ase.units
    from ase.md.velocitydistribution import Stationary, ZeroRotation, thermalize_momenta
    from ase.md.verlet import VelocityVerlet

    from rfp_md.interfaces.ase import RFPCalculator, to_atoms

    atoms = to_atoms(potential.reference)
    atoms.calc = RFPCalculator(potential)
    thermalize_momenta(atoms, temperature, rng=np.random.default_rng(seed))
    Stationary(atoms)
    still = 3
    if len(atoms) > 2 and not potential.reference.periodic:
        ZeroRotation(atoms)
        still = 6
    dynamics = VelocityVerlet(atoms, timestep * ase.units.fs)
    steps = round(length * 1e3 / timestep)
    potentials, kinetics = np.empty(steps + 1), np.empty(steps + 1)
    for k, _ in enumerate(dynamics.irun(steps)):
        potentials[k], kinetics[k] = atoms.get_potential_energy(), atoms.get_kinetic_energy()
    times = np.arange(steps + 1, dtype=np.float64) * timestep * 1e-3
    return Trace(times, potentials + kinetics, kinetics, len(atoms), 3 * len(atoms) - still)


def mean_temperature(trace: Trace) -> float:
    """Mean kinetic temperature, K."""
    from ase.units import kB

    return float(2.0 * trace.kinetic.mean() / (kB * trace.degrees_of_freedom))


def _engine(name: Engine) -> Any:
    if name == "ase":
        return run_ase
    from rfp_md.validation.nve_ipi import run_ipi

    return run_ipi


def _centred(trace: Trace) -> tuple[Any, Any]:
    return trace.times, 1e3 * (trace.conserved - trace.conserved.mean()) / trace.n_atoms
