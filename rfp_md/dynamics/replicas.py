"""Several replicas of one system in one batch: velocity Verlet with a Nosé–Hoover chain for each.

    dr/dt = v,   dv/dt = f/m − v₁ v,   dξₖ/dt = vₖ,
    dv₁/dt = (Σ m v² − N_f k T) / Q₁ − v₁ v₂,   dvₖ/dt = (Qₖ₋₁ vₖ₋₁² − k T) / Qₖ − vₖ vₖ₊₁ (the last link without),

with Q₁ = N_f k T τ² and Qₖ = k T τ². Martyna, Tuckerman, Tobias and Klein, Mol. Phys. 87, 1117 (1996). Conserved
is the energy with that of the chain, E + Σ Qₖ vₖ² / 2 + k T (N_f ξ₁ + Σ_{k>1} ξₖ). In the code, for R replicas:

    symbol      variable                what it is, with shape and unit (times are in ASE's unit, Å √(amu/eV))
    r, v, f     positions, velocities,  of the atoms (R, N, 3): Å, Å/time, eV/Å
                forces
    m           _masses                 (N, 1), amu
    E           energies + kinetic      of the potential and of the motion (R,), eV
    Σ m v²      twice                   twice the kinetic energies (R,), eV
    ξₖ, vₖ      chain[k − 1],           positions of the links, without a unit, and their velocities, 1/time;
                chain_velocities[k − 1] each (CHAIN, R)
    Qₖ          _inertia[k − 1]         inertia of the links (CHAIN,), eV · time²
    τ           TAU                     period of the thermostat, fs
    N_f         _freedom                degrees of freedom that move
    k T         _kt                     of the thermostat, eV; N_f k T is ``_wanted``
    Δt          _dt                     timestep; the thermostat acts for half of it, ``h``, before and after the forces
"""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
from ase import units

from rfp_md.arrays import Floats
from rfp_md.dynamics.momenta import degrees_of_freedom, set_thermal_momenta, temperature_of
from rfp_md.errors import GeometryError
from rfp_md.frames import Frames
from rfp_md.io.atoms import to_atoms
from rfp_md.prediction import AnyPotential

CHAIN = 3  # links
TAU = 50.0  # fs
ARRAYS = ("positions", "velocities", "forces", "energies", "chain", "chain_velocities")


class Replicas:
    """R replicas of the potential's reference structure, each with its own momenta.

    Args:
        timestep: fs.
        temperature: K.
        seed: of the first replica's momenta; the next one has the next.

    Attributes:
        positions, velocities, forces: (R, N, 3), Å, ASE's units, eV/Å.
        energies: eV (R,).
        chain, chain_velocities: ξ (K, R) and v.
    """

    def __init__(self, potential: AnyPotential, count: int, timestep: float, temperature: float, seed: int) -> None:
        reference = potential.reference
        self.step = 0
        self._potential, self._dt = potential, timestep * units.fs
        replicas = [to_atoms(reference) for _ in range(count)]
        for k, atoms in enumerate(replicas):
            set_thermal_momenta(atoms, temperature, np.random.default_rng(seed + k))
        self._masses: Floats = replicas[0].get_masses()[:, None]
        self._freedom = freedom = degrees_of_freedom(replicas[0])
        self._kt = temperature * units.kB
        self._wanted = freedom * self._kt
        self._inertia = self._kt * (TAU * units.fs) ** 2 * np.array([freedom] + [1] * (CHAIN - 1), dtype=np.float64)
        self.positions: Floats = np.repeat(reference.positions[:1], count, axis=0)
        self.velocities: Floats = np.array([atoms.get_velocities() for atoms in replicas])
        self.chain: Floats = np.zeros((CHAIN, count))
        self.chain_velocities: Floats = np.zeros((CHAIN, count))
        self._evaluate()

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def frames(self) -> Frames:
        """The structures of all replicas as they are now, in the reference's cell."""
        return self._potential.reference.at(self.positions)

    @property
    def kinetic(self) -> Floats:
        """Kinetic energies of the replicas, eV (R,)."""
        kinetic: Floats = 0.5 * np.einsum("rnx,rnx,ni->r", self.velocities, self.velocities, self._masses)
        return kinetic

    @property
    def temperatures(self) -> Floats:
        """Temperatures of the replicas' motion, K (R,)."""
        return temperature_of(self.kinetic, self._freedom)

    @property
    def conserved(self) -> Floats:
        """What each replica conserves: its energy with that of its chain, eV (R,)."""
        chain = 0.5 * self._inertia @ np.square(self.chain_velocities) + self._kt * self.chain[1:].sum(axis=0)
        conserved: Floats = self.energies + self.kinetic + chain + self._wanted * self.chain[0]
        return conserved

    def advance(self) -> None:
        """Take one step of velocity Verlet, between two half steps of the thermostat."""
        self._thermostat()
        self.velocities += 0.5 * self._dt * self.forces / self._masses
        self.positions += self._dt * self.velocities
        self._evaluate()
        self.velocities += 0.5 * self._dt * self.forces / self._masses
        self._thermostat()
        self.step += 1

    def keep(self, alive: np.typing.NDArray[np.bool_]) -> None:
        """Go on with these replicas (R,) only, and drop the others."""
        for name in ARRAYS:
            array = getattr(self, name)
            setattr(self, name, array[:, alive] if name.startswith("chain") else array[alive])

    def state(self) -> dict[str, Any]:
        """Give everything that the run goes on from, as in JSON, which keeps every digit."""
        return {"step": self.step} | {name: getattr(self, name).tolist() for name in ARRAYS}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a ``state``."""
        self.step = state["step"]
        for name in ARRAYS:
            setattr(self, name, np.array(state[name], dtype=np.float64))

    def _evaluate(self) -> None:
        try:
            prediction = self._potential.compute(self.frames)
            self.forces, self.energies = prediction.forces, prediction.energies
        except GeometryError:
            self._evaluate_alone()

    def _evaluate_alone(self) -> None:
        """Each replica by itself: where the potential has nothing to say of one, its forces are no numbers."""
        self.energies, self.forces = np.full(len(self), np.nan), np.full_like(self.positions, np.nan)
        for k in range(len(self)):
            with contextlib.suppress(GeometryError):
                prediction = self._potential.compute(self._potential.reference.at(self.positions[k : k + 1]))
                self.energies[k], self.forces[k] = prediction.energies[0], prediction.forces[0]

    def _thermostat(self) -> None:
        """Half a step of the chain: from its end to the particles, and back."""
        v, q, h = self.chain_velocities, self._inertia, 0.5 * self._dt
        twice = 2.0 * self.kinetic
        last = CHAIN - 1

        def push(k: int) -> None:
            excess = twice - self._wanted if k == 0 else q[k - 1] * v[k - 1] ** 2 - self._kt
            friction = np.exp(-0.25 * h * v[k + 1]) if k < last else 1.0
            v[k] = (v[k] * friction + 0.5 * h * excess / q[k]) * friction

        for k in range(last, -1, -1):
            push(k)
        scale = np.exp(-h * v[0])
        self.velocities *= scale[:, None, None]
        twice = twice * scale**2
        self.chain += h * v
        for k in range(CHAIN):
            push(k)
