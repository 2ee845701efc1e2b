"""Does the energy follow the work of the forces, while the run goes on?

Between two structures of a trajectory a conservative potential has

    E₂ − E₁ = −∫ F·dr ≈ −½ (F₁ + F₂)·(r₂ − r₁),

whatever integrator and thermostat move the atoms. The mismatch, the sum of ΔE + ½ (F₁ + F₂)·Δr along the
trajectory, stays near zero, up to the third power of the steps; forces that are not the gradient of the energy
let it grow. A server never says which trajectory a structure continues: it is the one whose last structure is
nearest, and a new one where none is near (a new run, an exchange of replicas). Where several of them come close to
each other, as the beads of a path integral do, this is a guess, and the mismatch is noise where it was wrong.
"""

from __future__ import annotations

from collections.abc import Callable

import numba
import numpy as np

from rfp_md.arrays import Floats, Ints
from rfp_md.errors import UserError
from rfp_md.frames import Frames
from rfp_md.prediction import Committee, Prediction
from rfp_md.structures.contacts import closest_pair
from rfp_md.structures.minimum_image import rounded_image

JUMP = 0.3  # Å; no atom moves so far in one step
MOST_TRAJECTORIES = 256  # the one that was quiet for longest is forgotten
EVERYWHERE = (True, True, True)  # a slab's own direction too: no step that counts is as long as its cell
MEV = 1e3
STATE = ("_positions", "_forces", "_energies", "_virials", "_cells", "_mismatch", "_steps", "_seen")


class Monitor:
    """The mismatch of every trajectory that is served, meV/atom.

    Args:
        n_atoms: of a structure.
        max_mismatch: stop where a trajectory's mismatch is larger, meV/atom.
        min_distance: stop where two atoms come closer, Å.
        max_uncertainty: stop where an atom's force is more uncertain, eV/Å (standard deviation of the vector).
        log: is told one line every ``log_every`` evaluations.
    """

    def __init__(
        self,
        n_atoms: int,
        log: Callable[[str], None],
        *,
        log_every: int = 100_000,
        max_mismatch: float | None = None,
        min_distance: float | None = None,
        max_uncertainty: float | None = None,
    ) -> None:
        self.evaluations = 0
        self._n_atoms, self._log, self._log_every = n_atoms, log, log_every
        self._max_mismatch, self._min_distance = max_mismatch, min_distance
        self._max_uncertainty = max_uncertainty
        self._jumps = self._free = 0
        self._told = False
        self._warned = max_mismatch is None  # that a limit of the mismatch means little
        self._last = -1  # the trajectory that the last structure belongs to
        self._largest = 0.0
        # Of each trajectory: its last structure with its results,
        self._positions, self._forces = np.zeros((0, n_atoms, 3)), np.zeros((0, n_atoms, 3))
        self._energies, self._virials, self._cells = np.zeros(0), np.zeros((0, 3, 3)), np.zeros((0, 3, 3))
        # its mismatch (eV), how many steps it has, and when it was last seen.
        self._mismatch = np.zeros(0)
        self._steps, self._seen = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)

    def check_distances(self, frames: Frames) -> None:
        """Raise UserError, naming step and atoms, where two of them are too close; before anything is computed."""
        if self._min_distance is None:
            return
        for positions, cell in zip(frames.positions, _cells(frames), strict=True):
            first, second, distance = closest_pair(positions, cell, frames.pbc, self._min_distance)
            if distance < self._min_distance:
                other = _name(frames, second) if first != second else "its own periodic image"
                raise UserError(
                    f"stopped: atoms {_name(frames, first)} and {other} are {distance:.3f} Å apart in "
                    f"evaluation {self.evaluations + 1}, closer than --min-distance {self._min_distance:g}"
                )

    def check_uncertainty(self, frames: Frames, committee: Committee) -> None:
        """Raise UserError, naming step and atom, where a force is too uncertain; before it is used."""
        if self._max_uncertainty is None:
            return
        atoms = committee.spread.atoms
        structure, atom = (int(k) for k in np.unravel_index(np.argmax(atoms), atoms.shape))
        largest = float(atoms[structure, atom])
        if largest > self._max_uncertainty:
            raise UserError(
                f"stopped: the force on atom {_name(frames, atom)} is uncertain by {largest:.3g} eV/Å in "
                f"evaluation {self.evaluations + 1 + structure}, more than --max-uncertainty {self._max_uncertainty:g}"
            )

    def observe(self, frames: Frames, prediction: Prediction) -> list[float]:
        """Take structures with their results, and give the mismatch of the trajectory of each, meV/atom.

        Raises:
            UserError: one is larger than ``max_mismatch``.
        """
        if self._free < len(frames):
            self._make_room(len(frames))
        places = np.empty(len(frames), dtype=np.int64)
        state = (self._positions, self._energies, self._forces, self._virials, self._cells)
        books = (self._mismatch, self._steps, self._seen)
        # Contiguous, so that one compiled version does for all.
        forces, virials = np.ascontiguousarray(prediction.forces), np.ascontiguousarray(prediction.virials)
        new = (np.ascontiguousarray(frames.positions), prediction.energies, forces, virials, _cells(frames))
        jumped = follow(*state, *books, *new, frames.periodic, self.evaluations + 1, places)
        self._jumps += jumped
        self._free = max(0, self._free - jumped)
        before, self.evaluations = self.evaluations, self.evaluations + len(frames)
        if jumped and before and not self._told:
            self._told = True
            self._log(
                f"evaluation {self.evaluations} continues no trajectory: an atom moved by over {JUMP} Å. A new "
                "run, an exchange, atoms that fly apart or were wrapped? Its mismatch begins anew"
            )
        if not self._warned and (len(frames) > 1 or (not jumped and places[0] != self._last)):
            self._warned = True
            self._log(
                "warning: several trajectories are served at once (beads, replicas), and which of them a structure "
                "continues is a guess; the figure that --max-mismatch limits is noise where it is wrong, so leave "
                "--max-mismatch out, or trust it for a single trajectory only"
            )
        self._last = int(places[-1])
        figures = [float(value) for value in self._mismatch[places] * (MEV / self._n_atoms)]
        worst = max(figures, key=abs)
        self._largest = max(self._largest, abs(worst))
        if self._max_mismatch is not None and abs(worst) > self._max_mismatch:
            place = places[figures.index(worst)]
            raise UserError(
                f"stopped: energy and work differ by {worst:.3g} meV/atom after {self._steps[place]} steps of a "
                f"trajectory (evaluation {self.evaluations}), more than --max-mismatch {self._max_mismatch:g}"
            )
        if before // self._log_every < self.evaluations // self._log_every:
            self._log(self.summary())
        return figures

    def summary(self) -> str:
        """Say in one line what was served, and how far energy and work are apart."""
        known = self._seen > 0
        if not known.any():
            return "0 evaluations"
        last = self._mismatch[np.argmax(self._seen)] * (MEV / self._n_atoms)
        return (
            f"{self.evaluations} evaluations of {known.sum()} trajectories ({self._jumps} beginnings or jumps); "
            f"energy − work {last:+.2g} meV/atom at the end, at most {self._largest:.2g}"
        )

    def _make_room(self, needed: int) -> None:
        """So many free places for structures that begin a trajectory, while there are not too many trajectories."""
        size = min(len(self._seen) + needed - self._free, max(MOST_TRAJECTORIES, needed))
        if size > len(self._seen):
            for name in STATE:
                old = getattr(self, name)
                setattr(self, name, np.concatenate([old, np.zeros((size - len(old), *old.shape[1:]), old.dtype)]))
            self._free = int(np.count_nonzero(self._seen == 0))


def _cells(frames: Frames) -> Floats:
    """Cells (M, 3, 3), zero for free molecules."""
    return np.zeros((len(frames), 3, 3)) if frames.cells is None else np.ascontiguousarray(frames.cells)


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def follow(
    last_positions: Floats,
    last_energies: Floats,
    last_forces: Floats,
    last_virials: Floats,
    last_cells: Floats,
    mismatch: Floats,
    steps: Ints,
    seen: Ints,
    positions: Floats,
    energies: Floats,
    forces: Floats,
    virials: Floats,
    cells: Floats,
    periodic: bool,
    now: int,
    places: Ints,
) -> int:
    """Continue each trajectory with the structure that is nearest to its end; how many began or jumped.

    A trajectory takes one structure at a time. ``seen`` is 0 where a place is free. In a periodic cell that changes
    by a strain ε, the positions' own part of a step is Δr − ε r, and the cell does the work −W·ε.
    """
    jumps = 0
    n_atoms = positions.shape[1]
    for b in range(len(positions)):
        inverse = np.linalg.inv(cells[b]) if periodic else cells[b]
        best, nearest = -1, JUMP * JUMP
        for t in range(len(seen)):
            if seen[t] == 0 or seen[t] >= now:
                continue
            strain = strain_between(last_cells[t], cells[b], periodic)
            farthest = 0.0
            for i in range(n_atoms):
                d = step(last_positions[t, i], positions[b, i], strain, cells[b], inverse, periodic)
                farthest = max(farthest, d[0] * d[0] + d[1] * d[1] + d[2] * d[2])
                if farthest >= nearest:
                    break
            if farthest < nearest:
                best, nearest = t, farthest
        if best < 0:
            jumps += 1
            best = 0
            for t in range(len(seen)):
                if seen[t] < seen[best]:
                    best = t
            mismatch[best] = 0.0
            steps[best] = 0
        else:
            strain = strain_between(last_cells[best], cells[b], periodic)
            work = 0.5 * np.sum((virials[b] + last_virials[best]) * strain) if periodic else 0.0
            for i in range(n_atoms):
                d = step(last_positions[best, i], positions[b, i], strain, cells[b], inverse, periodic)
                for x in range(3):
                    work += 0.5 * (forces[b, i, x] + last_forces[best, i, x]) * d[x]
            mismatch[best] += energies[b] - last_energies[best] + work
            steps[best] += 1
        last_positions[best], last_forces[best], last_energies[best] = positions[b], forces[b], energies[b]
        last_virials[best], last_cells[best] = virials[b], cells[b]
        seen[best] = now
        places[b] = best
    return jumps


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def strain_between(before: Floats, after: Floats, periodic: bool) -> Floats:
    """ε of h₂ − h₁ = h̄ εᵀ with the mean cell h̄ (rows are lattice vectors)."""
    if not periodic:
        return before
    turned: Floats = np.linalg.inv(0.5 * (before + after)) @ (after - before)
    return np.ascontiguousarray(turned.T)


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def step(
    before: Floats, after: Floats, strain: Floats, cell: Floats, inverse: Floats, periodic: bool
) -> tuple[float, float, float]:
    """r₂ − r₁, in a periodic cell to the nearest image and without what the strain alone does."""
    x, y, z = after[0] - before[0], after[1] - before[1], after[2] - before[2]
    if not periodic:
        return x, y, z
    x, y, z = rounded_image(x, y, z, cell, inverse, EVERYWHERE)
    u, v, w = before[0] + 0.5 * x, before[1] + 0.5 * y, before[2] + 0.5 * z
    x -= strain[0, 0] * u + strain[0, 1] * v + strain[0, 2] * w
    y -= strain[1, 0] * u + strain[1, 1] * v + strain[1, 2] * w
    z -= strain[2, 0] * u + strain[2, 1] * v + strain[2, 2] * w
    return x, y, z


def _name(frames: Frames, atom: int) -> str:
    from ase.data import chemical_symbols

    return f"{chemical_symbols[frames.numbers[atom]]}{atom}"
