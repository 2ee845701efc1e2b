"""What must not change the energy: motions of the whole, names of like atoms, and what was asked before."""

from __future__ import annotations

from itertools import islice

import numpy as np

from rfp_md.arrays import Ints
from rfp_md.frames import Frames
from rfp_md.potential import Potential
from rfp_md.prediction import AnyPotential, Prediction
from rfp_md.structures.bonds import Bonds
from rfp_md.structures.molecular_graph import isomorphisms
from rfp_md.structures.strain import deformed, strained

PERMUTATIONS = 12
SHIFT = 3.0  # Å
STRAIN = 0.05  # standard deviation of the strain of structures that are asked for in between; no atoms collide


def net_force(prediction: Prediction) -> float:
    """Find the largest component of Σ f, eV/Å."""
    return float(np.abs(prediction.forces.sum(axis=1)).max())


def net_torque(frames: Frames, prediction: Prediction) -> float | None:
    """Find the largest component of Σ r × f about the centre, eV; None in a crystal, which has none."""
    if frames.periodic:
        return None
    arms = frames.positions - frames.positions.mean(axis=1, keepdims=True)
    return float(np.abs(np.cross(arms, prediction.forces).sum(axis=1)).max())


def translation_error(potential: AnyPotential, frames: Frames, plain: Prediction, rng: np.random.Generator) -> float:
    """Measure what a shift of the whole changes, and in a crystal a shift of single atoms by lattice vectors."""
    shifts = SHIFT * rng.standard_normal((len(frames), 1, 3))
    errors = [_change(plain, potential.compute(frames.at(frames.positions + shifts)))]
    if frames.cells is not None:
        images = rng.integers(-1, 2, (len(frames), frames.n_atoms, 3)) * np.array(frames.pbc)
        errors.append(_change(plain, potential.compute(frames.at(frames.positions + images @ frames.cells[0]))))
    return float(np.max(errors))  # max() forgets what is not a number


def rotation_error(potential: AnyPotential, frames: Frames, plain: Prediction, rng: np.random.Generator) -> float:
    """Measure what a turn of the whole, with its cell, changes, the forces turned back."""
    from scipy.spatial.transform import Rotation

    turn = Rotation.random(rng=rng).as_matrix()
    prediction = potential.compute(deformed(frames, turn.T))
    return _change(plain, Prediction(prediction.energies, prediction.forces @ turn, prediction.virials))


def permutation_error(
    potential: AnyPotential, frames: Frames, plain: Prediction, rng: np.random.Generator
) -> float | None:
    """Measure what new names of like atoms change, the forces renamed back; None where no atoms are alike.

    A model of one molecule knows which atoms are bonded: there, the relabellings that keep the bonds as they are.
    """
    changes = []
    for order in _orders(potential, frames, rng):
        prediction = potential.compute(frames.at(frames.positions[:, order]))
        back = np.argsort(order)
        changes.append(_change(plain, Prediction(prediction.energies, prediction.forces[:, back], prediction.virials)))
    return float(np.max(changes)) if changes else None


def repetition_error(potential: AnyPotential, frames: Frames, plain: Prediction, rng: np.random.Generator) -> float:
    """Measure what it changes that structures are asked for one by one, with quite different ones in between."""
    changes = []
    for k in range(len(frames)):
        one = frames[k : k + 1]
        potential.compute(strained(one, STRAIN * rng.standard_normal((3, 3))))
        again = potential.compute(one.at(one.positions))
        before = Prediction(plain.energies[k : k + 1], plain.forces[k : k + 1], plain.virials[k : k + 1])
        changes.append(_change(before, again))
    return float(np.max(changes))


def _orders(potential: AnyPotential, frames: Frames, rng: np.random.Generator) -> list[Ints]:
    """Some relabellings of like atoms, none of them the identity."""
    identity = np.arange(frames.n_atoms)
    if isinstance(potential, Potential) and potential.fixed_composition:
        graph = (frames.numbers, Bonds.of(potential.reference).pairs)
        found = islice(isomorphisms(graph, graph), PERMUTATIONS + 1)
        return [order for order in found if not np.array_equal(order, identity)]
    orders = []
    for _ in range(PERMUTATIONS // 4):
        order = identity.copy()
        for element in np.unique(frames.numbers):
            # All of them in one ring, each to the next place: a plain permutation of two is often none.
            ring = rng.permutation(np.flatnonzero(frames.numbers == element))
            order[ring] = np.roll(ring, 1)
        if not np.array_equal(order, identity):
            orders.append(order)
    return orders


def _change(first: Prediction, second: Prediction) -> float:
    """The largest change of an energy (eV) or of a force component (eV/Å)."""
    return float(np.max([np.abs(first.energies - second.energies).max(), np.abs(first.forces - second.forces).max()]))
