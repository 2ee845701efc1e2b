"""NVE in this process: velocity Verlet with ASE, forth and back."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from ase import Atoms

from rfp_md.calculators.as_calculator import PotentialCalculator
from rfp_md.dynamics.momenta import come_to_rest, degrees_of_freedom, set_thermal_momenta
from rfp_md.dynamics.motion import BlownUp, Motion, has_blown_up
from rfp_md.dynamics.replicas import Replicas
from rfp_md.io.atoms import to_atoms
from rfp_md.logs.trace import Trace
from rfp_md.prediction import AnyPotential
from rfp_md.progress import Progress
from rfp_md.validation.nve.momenta import drifts

WARM_UP_TIMESTEP = 0.5  # fs
REVERSAL_LENGTH = 0.5  # ps
TICK = 100  # steps between two words to the progress bar


def warmed_up(potential: AnyPotential, temperature: float, seed: int, length: float) -> Atoms:
    """Warm the potential's atoms up for a time (ps), at rest as a whole in the end. Raises BlownUp on the way."""
    replica = Replicas(potential, 1, WARM_UP_TIMESTEP, temperature, seed)
    for _ in range(round(length * 1e3 / WARM_UP_TIMESTEP)):
        replica.advance()
        if not np.isfinite(replica.kinetic).all():
            raise BlownUp(f"after {replica.step * WARM_UP_TIMESTEP * 1e-3:.3g} ps with a thermostat")
    atoms = to_atoms(replica.frames)
    atoms.set_velocities(replica.velocities[0])
    come_to_rest(atoms)
    return atoms


def run_ase(potential: AnyPotential, start: Atoms, length: float, timestep: float, progress: Progress) -> Trace:
    """Run velocity Verlet in this process; every step is recorded."""
    steps = round(length * 1e3 / timestep)
    potentials, kinetics = np.empty(steps + 1), np.empty(steps + 1)
    momenta = np.empty((steps + 1, 2, 3))
    for k, atoms in enumerate(_moving(potential, start, steps, timestep)):
        potentials[k], kinetics[k] = atoms.get_potential_energy(), atoms.get_kinetic_energy()
        momenta[k] = atoms.get_momenta().sum(axis=0), atoms.get_angular_momentum()
        if k % TICK == TICK - 1:
            progress.advance(TICK)
    times = np.arange(steps + 1, dtype=np.float64) * timestep * 1e-3
    linear, angular = drifts(momenta, start)
    return Trace(times, potentials + kinetics, kinetics, len(start), degrees_of_freedom(start), linear, angular)


def check_tame(trace: Trace) -> None:
    """Raise BlownUp where a run got out of hand."""
    out_of_hand = has_blown_up(trace.kinetic, trace.kinetic[0]) | ~np.isfinite(trace.conserved)
    if out_of_hand.any():
        raise BlownUp(f"after {trace.times[int(out_of_hand.argmax())]:.3g} ps")


def reversal_error(potential: AnyPotential, temperature: float, timestep: float, seed: int) -> float:
    """Measure how far an atom is from where it was, Å, half a picosecond forth and back with the momenta turned round.

    Not a number where that comes to no end.
    """
    start = to_atoms(potential.reference)
    set_thermal_momenta(start, temperature, np.random.default_rng(seed))
    atoms = start.copy()
    try:
        for _ in range(2):
            *_, atoms = _moving(potential, atoms, round(REVERSAL_LENGTH * 1e3 / timestep), timestep)
            atoms.set_momenta(-atoms.get_momenta())
    except BlownUp:
        return np.nan
    return float(np.linalg.norm(atoms.positions - start.positions, axis=1).max())


def _moving(potential: AnyPotential, start: Atoms, steps: int, timestep: float) -> Iterator[Atoms]:
    """The atoms, always the same ones, after 0, 1, ... steps of velocity Verlet. Raises BlownUp."""
    atoms = start.copy()
    atoms.calc = PotentialCalculator(potential)
    motion = Motion(atoms, timestep, any_timestep=True)
    motion.begin()
    yield atoms
    for _ in range(steps):
        try:
            motion.advance()
        except BlownUp as error:
            raise BlownUp(f"after {motion.step * timestep * 1e-3:.3g} ps ({error})") from error
        yield atoms
