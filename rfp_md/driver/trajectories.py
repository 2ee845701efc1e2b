"""The trajectories that a server's structures belong to, and the mismatch of energy and work along each.

Between two structures of a trajectory a conservative potential has

    E₂ − E₁ = −∫ F·dr ≈ −½ (F₁ + F₂)·(r₂ − r₁),

whatever integrator and thermostat move the atoms. The mismatch, the sum of ΔE + ½ (F₁ + F₂)·Δr along the
trajectory, stays near zero, up to the third power of the steps; forces that are not the gradient of the energy
let it grow. A server never says which trajectory a structure continues: it is the one whose last structure is
nearest, and a new one where none is near (a new run, an exchange of replicas). Where several of them come close to
each other, as the beads of a path integral do, this is a guess, and the mismatch is noise where it was wrong.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rfp_md.arrays import Floats, Ints
from rfp_md.compiled import compiled
from rfp_md.frames import Frames
from rfp_md.prediction import Prediction
from rfp_md.structures.cells import completed
from rfp_md.structures.minimum_image import rounded_image

JUMP = 0.3  # Å; no atom moves so far in one step
MOST_TRAJECTORIES = 256  # the one that was quiet for longest is forgotten
EVERYWHERE = (True, True, True)  # a slab's own direction too: no step that counts is as long as its cell
ARRAYS = ("positions", "energies", "forces", "virials", "cells", "mismatch", "steps", "seen")


class Trajectories:
    """T trajectories that are served, or free places for more: the last structure of each, and its mismatch.

    Args:
        n_atoms: of a structure.

    Attributes:
        positions, cells: of the last structure, Å (T, N, 3) and (T, 3, 3); a free molecule's cell is zero.
        energies, forces, virials: of the last structure, eV (T,), eV/Å (T, N, 3) and eV (T, 3, 3).
        mismatch: sum of ΔE + ½ (F₁ + F₂)·Δr, eV (T,).
        steps: how many steps that is the sum of (T,).
        seen: the evaluation of the last structure, counted from 1; 0 where a place is free (T,).
    """

    def __init__(self, n_atoms: int) -> None:
        self.positions, self.forces = np.zeros((0, n_atoms, 3)), np.zeros((0, n_atoms, 3))
        self.energies, self.virials, self.cells = np.zeros(0), np.zeros((0, 3, 3)), np.zeros((0, 3, 3))
        self.mismatch = np.zeros(0)
        self.steps, self.seen = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
        self._free = 0

    def extend(self, frames: Frames, prediction: Prediction, now: int) -> tuple[Ints, int, int]:
        """Extend trajectories by M structures with their results, or begin new ones.

        Args:
            now: the evaluation that this is, counted from 1.

        Returns:
            which trajectory each structure belongs to now (M,), how many of them began or jumped, and how many of
            those were alone: copies of one structure, of which one was evaluated, become beads beside each other.
        """
        if self._free < len(frames):
            self._make_room(len(frames))
        places = np.empty(len(frames), dtype=np.int64)
        known: list[Any] = [getattr(self, name) for name in ARRAYS]
        # Contiguous, so that one compiled version does for all.
        forces, virials = np.ascontiguousarray(prediction.forces), np.ascontiguousarray(prediction.virials)
        new = [np.ascontiguousarray(frames.positions), prediction.energies, forces, virials, cells_of(frames)]
        began, alone = _extend(*(known + new + [frames.periodic, now, places]))
        self._free = max(0, self._free - began)
        return places, began, alone

    def _make_room(self, needed: int) -> None:
        """So many free places for structures that begin a trajectory, while there are not too many trajectories."""
        size = min(len(self.seen) + needed - self._free, max(MOST_TRAJECTORIES, needed))
        if size > len(self.seen):
            for name in ARRAYS:
                old = getattr(self, name)
                setattr(self, name, np.concatenate([old, np.zeros((size - len(old), *old.shape[1:]), old.dtype)]))
            self._free = int(np.count_nonzero(self.seen == 0))


def cells_of(frames: Frames) -> Floats:
    """Give the cells (M, 3, 3), Å, as compiled code takes them: with all vectors, and zero for free molecules."""
    if frames.cells is None:
        return np.zeros((len(frames), 3, 3))
    return np.ascontiguousarray(completed(frames.cells, frames.pbc))


@compiled()
def _extend(
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
) -> tuple[int, int]:
    """Extend each trajectory by the structure that is nearest to its end; how many began, and how many of them alone.

    A trajectory takes one structure at a time. ``seen`` is 0 where a place is free. In a periodic cell that changes
    by a strain ε, the positions' own part of a step is Δr − ε r, and the cell does the work −W·ε.
    """
    began, alone = 0, 0
    n_atoms = positions.shape[1]
    for b in range(len(positions)):
        inverse = np.linalg.inv(cells[b]) if periodic else cells[b]
        best, nearest = -1, JUMP * JUMP
        for t in range(len(seen)):
            if seen[t] == 0 or seen[t] >= now:
                continue
            strain = _strain_between(last_cells[t], cells[b], periodic)
            farthest = 0.0
            for i in range(n_atoms):
                d = _displacement(last_positions[t, i], positions[b, i], strain, cells[b], inverse, periodic)
                farthest = max(farthest, d[0] * d[0] + d[1] * d[1] + d[2] * d[2])
                if farthest >= nearest:
                    break
            if farthest < nearest:
                best, nearest = t, farthest
        if best < 0:
            began += 1
            alone += not _beside(positions, cells, inverse, b, periodic)
            best = 0
            for t in range(len(seen)):
                if seen[t] < seen[best]:
                    best = t
            mismatch[best] = 0.0
            steps[best] = 0
        else:
            strain = _strain_between(last_cells[best], cells[b], periodic)
            work = 0.5 * np.sum((virials[b] + last_virials[best]) * strain) if periodic else 0.0
            for i in range(n_atoms):
                d = _displacement(last_positions[best, i], positions[b, i], strain, cells[b], inverse, periodic)
                for x in range(3):
                    work += 0.5 * (forces[b, i, x] + last_forces[best, i, x]) * d[x]
            mismatch[best] += energies[b] - last_energies[best] + work
            steps[best] += 1
        last_positions[best], last_forces[best], last_energies[best] = positions[b], forces[b], energies[b]
        last_virials[best], last_cells[best] = virials[b], cells[b]
        seen[best] = now
        places[b] = best
    return began, alone


@compiled()
def _beside(positions: Floats, cells: Floats, inverse: Floats, b: int, periodic: bool) -> bool:
    """Whether an earlier structure of the batch is as near to this one as the next one of a trajectory would be."""
    for other in range(b):
        strain = _strain_between(cells[other], cells[b], periodic)
        near = True
        for i in range(positions.shape[1]):
            d = _displacement(positions[other, i], positions[b, i], strain, cells[b], inverse, periodic)
            near = d[0] * d[0] + d[1] * d[1] + d[2] * d[2] < JUMP * JUMP
            if not near:
                break
        if near:
            return True
    return False


@compiled()
def _strain_between(before: Floats, after: Floats, periodic: bool) -> Floats:
    """ε of h₂ − h₁ = h̄ εᵀ with the mean cell h̄ (rows are lattice vectors)."""
    if not periodic:
        return before
    turned: Floats = np.linalg.inv(0.5 * (before + after)) @ (after - before)
    return np.ascontiguousarray(turned.T)


@compiled()
def _displacement(
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
