"""Small potentials with exact forces, of which everything is known, to try the checks on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np

from rfp_md.arrays import Floats, Ints
from rfp_md.frames import Frames
from rfp_md.prediction import Prediction, free_virials

Curve = Callable[[Floats], tuple[Floats, Floats]]  # distances, or cosines, to energies and slopes
Term = tuple[int, int, Curve] | tuple[int, int, int, Curve]  # a bond, or an angle with its vertex in the middle


def spring(stiffness: float, rest: float) -> Curve:
    """½ k (d − d₀)², eV and Å."""
    return lambda d: (0.5 * stiffness * (d - rest) ** 2, stiffness * (d - rest))


def morse(depth: float, steepness: float, length: float) -> Curve:
    """D (1 − exp(−a (d − d₀)))²; its k is 2 D a²."""

    def curve(d: Floats) -> tuple[Floats, Floats]:
        gone = np.exp(-steepness * (d - length))
        return depth * (1 - gone) ** 2, 2 * depth * steepness * (1 - gone) * gone

    return curve


class Molecule:
    """A free molecule of bonds and angles."""

    has_forces = has_stress = True

    def __init__(self, numbers: Sequence[int], positions: object, terms: Sequence[Term]) -> None:
        self.reference = Frames(np.array(numbers, dtype=np.int64), np.array(positions, dtype=np.float64)[None])
        self.terms = terms

    def compute(self, frames: Frames) -> Prediction:
        energies, forces = np.zeros(len(frames)), np.zeros(frames.positions.shape)
        for term in self.terms:
            (_bond if len(term) == 3 else _angle)(frames.positions, energies, forces, *term)
        return Prediction(energies, forces, free_virials(frames, forces))

    def energies(self, frames: Frames) -> Floats:
        return self.compute(frames).energies


def _bond(r: Floats, energies: Floats, forces: Floats, i: int, j: int, curve: Curve) -> None:
    arm = r[:, j] - r[:, i]
    d = np.linalg.norm(arm, axis=1)
    energy, slope = curve(d)
    energies += energy
    pull = (slope / d)[:, None] * arm
    forces[:, i] += pull
    forces[:, j] -= pull


def _angle(r: Floats, energies: Floats, forces: Floats, i: int, vertex: int, j: int, curve: Curve) -> None:
    a, b = r[:, i] - r[:, vertex], r[:, j] - r[:, vertex]
    na, nb = (np.linalg.norm(arm, axis=1, keepdims=True) for arm in (a, b))
    cosine = (a * b).sum(axis=1, keepdims=True) / (na * nb)
    energy, slope = curve(cosine)
    energies += energy[:, 0]
    first, second = slope * (b / nb - cosine * a / na) / na, slope * (a / na - cosine * b / nb) / nb
    forces[:, i] -= first
    forces[:, j] -= second
    forces[:, vertex] += first + second


def diatomic(curve: Curve, numbers: Sequence[int] = (6, 8), length: float = 1.13) -> Molecule:
    return Molecule(numbers, [[0, 0, 0], [0, 0, length]], [(0, 1, curve)])


def water(*, depths: tuple[float, float] = (5.0, 5.0), angle: float = 104.5) -> Molecule:
    """O, H, H with Morse bonds; it is at its minimum for the angle that it has by default."""
    half = np.radians(angle) / 2
    hydrogens = [[0.96 * np.sin(sign * half), 0, 0.96 * np.cos(half)] for sign in (1, -1)]
    bonds: list[Term] = [(0, k + 1, morse(depth, 2.2, 0.96)) for k, depth in enumerate(depths)]
    return Molecule([8, 1, 1], [[0, 0, 0], *hydrogens], [*bonds, (1, 0, 2, spring(3.0, np.cos(np.radians(104.5))))])


def carbon_dioxide() -> Molecule:
    """C, O, O: linear, close to its minimum."""
    bond = morse(7.0, 2.5, 1.16)
    straight: Term = (1, 0, 2, lambda cosine: (3.0 * (1 + cosine), np.full_like(cosine, 3.0)))
    return Molecule([6, 8, 8], [[0, 0, 0], [0, 0, 1.2], [0, 0, -1.15]], [(0, 1, bond), (0, 2, bond), straight])


class PairPotential:
    """Morse pairs that fade to zero at a cutoff with three derivatives, by a list of neighbours; free or periodic.

    One file of a simulation code in small, for what can go wrong in one to be planted in it.
    """

    has_forces = has_stress = True
    depth, steepness, length = 0.5, 1.6, 2.6

    def __init__(self, reference: Frames, cutoff: float) -> None:
        self.reference, self.cutoff = reference, cutoff

    def compute(self, frames: Frames) -> Prediction:
        r = self.wrapped(self.positions(frames), frames)
        cells = np.zeros((len(frames), 3, 3)) if frames.cells is None else frames.cells
        first, second, shifts = self.neighbours(r, cells, frames.pbc)
        arms = r[:, second] - r[:, first] + shifts @ cells
        d = np.linalg.norm(arms, axis=2)
        energies, slopes = self.pair(d)
        inside = d < self.cutoff
        slopes = self.slopes(np.where(inside, slopes, 0.0))
        pulls = (slopes / d)[..., None] * arms
        atoms = np.eye(frames.n_atoms)
        forces = np.einsum("pn,mpx->mnx", atoms[first] - atoms[second], pulls)
        virials = -np.einsum("mpx,mpy->mxy", pulls, arms)
        return Prediction(np.where(inside, energies, 0.0).sum(axis=1), self.forces(forces), virials)

    def energies(self, frames: Frames) -> Floats:
        return self.compute(frames).energies

    def neighbours(self, r: Floats, cells: Floats, pbc: Sequence[bool]) -> tuple[Ints, Ints, Floats]:
        """Every pair once that is within the cutoff in one of the structures, with its lattice vectors."""
        images = np.array(list(product(*[(-1, 0, 1) if periodic else (0,) for periodic in pbc])))
        first, second, image = np.meshgrid(np.arange(r.shape[1]), np.arange(r.shape[1]), np.arange(len(images)))
        once = (first < second) | ((first == second) & (image > len(images) // 2))
        first, second, shifts = first[once], second[once], images[image[once]].astype(np.float64)
        near = np.linalg.norm(r[:, second] - r[:, first] + shifts @ cells, axis=2).min(axis=0) < self.cutoff
        return first[near], second[near], shifts[near]

    def pair(self, d: Floats) -> tuple[Floats, Floats]:
        (energy, slope), (fade, fading) = self.bare(d), self.fade(d)
        return energy * fade, slope * fade + energy * fading

    def bare(self, d: Floats) -> tuple[Floats, Floats]:
        energy, slope = morse(self.depth, self.steepness, self.length)(d)
        return energy - self.depth, slope

    def fade(self, d: Floats) -> tuple[Floats, Floats]:
        s = np.maximum(1 - (d / self.cutoff) ** 2, 0.0)
        return s**4, -8 * s**3 * d / self.cutoff**2

    # What a mistake changes.

    def positions(self, frames: Frames) -> Floats:
        return frames.positions

    def slopes(self, slopes: Floats) -> Floats:
        return slopes

    def forces(self, forces: Floats) -> Floats:
        return forces

    @staticmethod
    def wrapped(r: Floats, frames: Frames) -> Floats:
        if frames.cells is None:
            return r
        return r - np.floor(r @ np.linalg.inv(frames.cells)) * np.array(frames.pbc) @ frames.cells
