"""Replicas on their way: which of them broke, where, and what was seen of the others."""

from __future__ import annotations

from typing import Any

import numpy as np

from rfp_md.arrays import Floats, Ints
from rfp_md.dynamics.lookback import Lookback, largest_uncertainties
from rfp_md.dynamics.relaxation import relax
from rfp_md.dynamics.replicas import Replicas
from rfp_md.errors import UserError
from rfp_md.potential import Potential
from rfp_md.prediction import AnyPotential
from rfp_md.structures.bonds import Bonds, collisions
from rfp_md.validation.result import plain_fields
from rfp_md.validation.stability import pair_distances
from rfp_md.validation.stability.result import Break, Series, Why

LONGEST_OFF = 0.5  # Å
LOOK = 10  # steps between looks at the bonds and distances
HOT = 20.0  # times the temperature: a run that got out of hand without breaking a bond
COLD = 300.0  # K; below it, what a hot training structure gives back as it relaxes is more than the thermostat


class ReplicaWatch:
    """Replicas on their way, and what was seen of them.

    Attributes:
        broken_at: the step at which a replica broke, by its number.
        counts: of pair distances, of all replicas once they settled and before they broke.
    """

    def __init__(
        self,
        potential: AnyPotential,
        replicas: int,
        timestep: float,
        temperature: float,
        seed: int,
        stride: int,
        settled: int,
    ) -> None:
        self.motion = Replicas(potential, replicas, timestep, temperature, seed)
        self.alive = list(range(replicas))
        self.broken_at: dict[int, int] = {}
        self.breaks: list[Break] = []
        self.series = Series()
        self.counts: Ints = np.zeros(len(pair_distances.EDGES) - 1, dtype=np.int64)
        self._potential, self._stride, self._timestep, self._temperature = potential, stride, timestep, temperature
        self._settled = settled
        self._bonds = equilibrium(potential)
        self._committee = committee_of(potential)
        self._lookback = None if self._committee is None else Lookback(self._committee)
        if not np.isfinite(self.motion.forces).all():
            self._look()

    def advance(self) -> None:
        """Take one step, and every so often a look."""
        self.motion.advance()
        step = self.motion.step
        # From forces that are no numbers, the next step would make a structure that none of the replicas survives.
        if step % LOOK == 0 or not np.isfinite(self.motion.kinetic).all():
            self._look()
        if step % self._stride == 0 and self.alive:
            self.series.time_ps.append(round(step * self._timestep * 1e-3, 6))
            self.series.temperature_k.append(round(float(self.motion.temperatures.mean()), 3))
            self.series.force_uncertainty_ev_per_angstrom.append(self._uncertainty(None))

    def state(self) -> dict[str, Any]:
        """Give all that a checkpoint must hold, JSON-ready."""
        return {
            "motion": self.motion.state(),
            "alive": self.alive,
            "broken_at": self.broken_at,
            "breaks": plain_fields(self.breaks),
            "series": plain_fields(self.series),
            "counts": self.counts.tolist(),
            "lookback": None if self._lookback is None else self._lookback.state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from the ``state`` of a watch of the same potential."""
        self.motion.restore(state["motion"])
        self.alive, self.series = state["alive"], Series(**state["series"])
        self.breaks = [Break(**entry) for entry in state["breaks"]]
        self.broken_at = {int(k): step for k, step in state["broken_at"].items()}
        self.counts = np.array(state["counts"], dtype=np.int64)
        if self._lookback is not None:
            self._lookback.restore(state["lookback"])

    def _look(self) -> None:
        """Replicas that broke end here; the others' pair distances count."""
        off = np.abs(self._bonds.measure(self.motion.positions) - self._bonds.lengths)
        whys = self._why_broken(off)
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
        if self.alive and not self._potential.reference.periodic and self.motion.step >= self._settled:
            self.counts += pair_distances.counts(self.motion.positions)

    def _why_broken(self, off: Floats) -> Any:
        """Why each replica of the batch is broken, as ``Break.why``; empty of those that are not."""
        finite = np.isfinite(self.motion.kinetic) & np.isfinite(self.motion.forces).all(axis=(1, 2))
        whys = np.full(len(finite), "", dtype=object)
        whys[self.motion.temperatures > HOT * max(self._temperature, COLD)] = "temperature"
        whys[finite] = np.where(collisions(self.motion.frames[np.flatnonzero(finite)]), "collision", whys[finite])
        whys[off.max(axis=1, initial=0.0) > LONGEST_OFF] = "bond"
        whys[~finite] = "forces"
        return whys

    def _record(self, k: int, why: Why, off: Floats) -> None:
        """Keep what is to be told of a replica that broke, by its place in the batch."""
        step, replica = self.motion.step, self.alive[k]
        self.broken_at[replica] = step
        self.breaks.append(
            Break(
                replica=replica,
                ps=step * self._timestep * 1e-3,
                why=why,
                **(self._broken_bond(k, off) if why == "bond" else {}),
                force_uncertainty_ev_per_angstrom=self._uncertainty(k),
                positions=self.motion.positions[k].tolist(),
                departure_positions=None if self._lookback is None else self._lookback.departure(k).tolist(),
            )
        )

    def _broken_bond(self, k: int, off: Floats) -> dict[str, Any]:
        """The bond that is off by most."""
        worst = int(off.argmax())
        return {
            "bond": self._bonds.pairs[worst].tolist(),
            "length_angstrom": float(self._bonds.measure(self.motion.positions[k : k + 1])[0, worst]),
            "equilibrium_angstrom": float(self._bonds.lengths[worst]),
        }

    def _uncertainty(self, k: int | None) -> float | None:
        """The largest of an atom's force, eV/Å, of one replica or of all; None where the model does not know."""
        if self._committee is None:
            return None
        chosen = slice(None) if k is None else slice(k, k + 1)
        value = float(largest_uncertainties(self._committee, self.motion.frames[chosen]).max())
        return round(value, 6) if np.isfinite(value) else None


def committee_of(potential: AnyPotential) -> Potential | None:
    """Take the potential for a committee, if it is a model that says how uncertain it is; else None."""
    if not isinstance(potential, Potential):
        return None
    try:
        potential.uncertainty(potential.reference)
    except UserError:
        return None
    return potential


def equilibrium(potential: AnyPotential) -> Bonds:
    """Find the bonds of the molecules in the minimum, or those of the reference where that has others.

    A hot reference misses a bond that happens to be long there; one that the relaxation made from afar is another.
    """
    bonds = Bonds.of_molecules(potential.reference)
    relaxed, _ = relax(potential, potential.reference)
    found = Bonds.of_molecules(relaxed)
    made = found.without(bonds)
    afar = np.abs(made.lengths - made.measure(potential.reference.positions)[0]) > LONGEST_OFF
    return bonds if len(bonds.without(found).pairs) or afar.any() else found
