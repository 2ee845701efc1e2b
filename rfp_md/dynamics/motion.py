"""Molecular dynamics that can be stopped at any moment and taken up again without a trace."""

from __future__ import annotations

from typing import Any

import numpy as np
from ase import Atoms, units
from ase.md.langevin import Langevin
from ase.md.verlet import VelocityVerlet

from rfp_md.arrays import Floats
from rfp_md.dynamics.momenta import set_thermal_momenta

LARGEST_MOVE = 0.5  # Å in one step; hydrogen at 300 K moves 0.01 Å in 0.5 fs


class BlownUp(Exception):
    """The steps are too large for the forces."""


class Motion:
    """Atoms in motion, and everything that decides how they go on.

    Args:
        friction: of a Langevin thermostat, 1/fs; None: constant energy.
    """

    def __init__(self, atoms: Atoms, timestep: float, temperature: float, friction: float | None, seed: int) -> None:
        self.step = 0
        self._atoms = atoms
        self._forces: Floats
        self._rng = np.random.default_rng(seed)
        set_thermal_momenta(atoms, temperature, self._rng)
        dt = timestep * units.fs
        if friction is None:
            self._dynamics = VelocityVerlet(atoms, dt)
        else:
            self._dynamics = Langevin(
                atoms, dt, temperature_K=temperature, friction=friction / units.fs, fixcm=False, rng=self._rng
            )

    def begin(self) -> None:
        """The forces of the first moment."""
        self._forces = self._atoms.get_forces()

    def advance(self) -> None:
        """One step. Raises BlownUp where it goes too far to be motion along the forces."""
        before = self._atoms.positions.copy()
        self._forces = self._dynamics.step(self._forces)
        self.step += 1
        moved = np.linalg.norm(self._atoms.positions - before, axis=1)
        if not (np.isfinite(self._forces).all() and np.isfinite(moved).all()):
            raise BlownUp("forces that are not finite")
        if moved.max() > LARGEST_MOVE:
            raise BlownUp(f"atom {moved.argmax()} moved {moved.max():.2g} Å at once")

    def state(self) -> dict[str, Any]:
        """Everything of this moment, as in JSON, which keeps every digit.

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
        """Go back to such a moment."""
        self.step = state["step"]
        self._atoms.positions = state["positions"]
        self._atoms.set_momenta(state["momenta"])
        self._forces = np.array(state["forces"])
        self._rng.bit_generator.state = state["random"]
