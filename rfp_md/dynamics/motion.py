"""The loop of molecular dynamics, one step after the other, which can be stopped and taken up again without a trace.

dr/dt = p / m,   dp/dt = f                                          velocity Verlet, constant energy
dr/dt = p / m,   dp/dt = f − γ p + √(2 γ m k T) η(t)                Langevin, η white noise of variance one

symbol   variable          what it is, with unit
r, p     atoms             positions, Å, and momenta, ASE's units, of the atoms that are moved
f        _forces           of the last structure (N, 3), eV/Å
γ        friction          1/fs
T        temperature       K
η        _rng              what the noise is drawn from, and the momenta at first
Δt       timestep          fs
"""

from __future__ import annotations

from typing import Any

import numpy as np
from ase import Atoms, units
from ase.md.langevin import Langevin
from ase.md.verlet import VelocityVerlet
from numpy.typing import NDArray

from rfp_md.arrays import Floats
from rfp_md.dynamics.momenta import set_thermal_momenta
from rfp_md.errors import GeometryError

LARGEST_MOVE = 0.5  # Å in one step; hydrogen at 300 K moves 0.01 Å in 0.5 fs
BLOWN_UP_FACTOR = 1000.0  # times the kinetic energy of the start


class BlownUp(Exception):
    """The steps are too large for the forces."""


def has_blown_up(kinetic: Floats | float, start: float) -> NDArray[np.bool_]:
    """Say where kinetic energies, eV, are those of a run that has blown up, or no numbers, as it began with ``start``.

    For runs whose timestep is tested, and may be as long as it likes; no atom of any other moves by ``LARGEST_MOVE``.
    """
    return ~(np.asarray(kinetic) <= BLOWN_UP_FACTOR * start)


class Motion:
    """Atoms in motion: their dynamics, forces and random numbers, which decide how they go on.

    Args:
        atoms: with a calculator; they are moved.
        timestep: fs.
        temperature: of the first momenta and of the thermostat, K; None: the atoms keep the momenta that they have.
        friction: of a Langevin thermostat, 1/fs; None: constant energy, velocity Verlet.
        seed: of momenta and thermostat.
        any_timestep: whether a run has blown up only by its kinetic energy, not by an atom that moves far in a step.
    """

    def __init__(
        self,
        atoms: Atoms,
        timestep: float,
        temperature: float | None = None,
        friction: float | None = None,
        seed: int = 0,
        *,
        any_timestep: bool = False,
    ) -> None:
        self.step = 0
        self._atoms = atoms
        self._forces: Floats
        self._rng = np.random.default_rng(seed)
        if temperature is not None:
            set_thermal_momenta(atoms, temperature, self._rng)
        self._start = atoms.get_kinetic_energy() if any_timestep else None
        dt = timestep * units.fs
        if friction is None:
            self._dynamics = VelocityVerlet(atoms, dt)
        else:
            self._dynamics = Langevin(
                atoms, dt, temperature_K=temperature, friction=friction / units.fs, fixcm=False, rng=self._rng
            )

    def begin(self) -> None:
        """Compute the forces of the first structure. Raises GeometryError where it has none."""
        self._forces = self._atoms.get_forces()

    def advance(self) -> None:
        """Take one step. Raises BlownUp where it goes too far to be motion along the forces."""
        before = self._atoms.positions.copy()
        try:
            self._forces = self._dynamics.step(self._forces)
        except GeometryError as error:
            raise BlownUp(str(error)) from error
        self.step += 1
        self._check(np.linalg.norm(self._atoms.positions - before, axis=1))

    def _check(self, moved: Floats) -> None:
        """Raise BlownUp, by how far the atoms moved (N,), Å, or how hot they are."""
        if not (np.isfinite(self._forces).all() and np.isfinite(moved).all()):
            raise BlownUp("forces that are not finite")
        if self._start is None and moved.max() > LARGEST_MOVE:
            raise BlownUp(f"atom {moved.argmax()} moved {moved.max():.2g} Å at once")
        if self._start is not None and has_blown_up(self._atoms.get_kinetic_energy(), self._start):
            raise BlownUp(f"over {BLOWN_UP_FACTOR:g} times the kinetic energy of the start")

    def state(self) -> dict[str, Any]:
        """Give everything that the run goes on from, as in JSON, which keeps every digit.

        The calculator forgets: what it carries from step to step (a wavefunction, a list of neighbours) changes the
        last digits, and a calculator that is made anew does not have it.
        """
        if hasattr(self._atoms.calc, "reset"):
            self._atoms.calc.reset()
        return {
            "step": self.step,
            "positions": self._atoms.positions.tolist(),
            "momenta": self._atoms.get_momenta().tolist(),
            "forces": np.asarray(self._forces).tolist(),
            "random": self._rng.bit_generator.state,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a ``state``."""
        self.step = state["step"]
        self._atoms.positions = state["positions"]
        self._atoms.set_momenta(state["momenta"])
        self._forces = np.array(state["forces"])
        self._rng.bit_generator.state = state["random"]
