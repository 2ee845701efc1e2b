"""A baseline with forces and virials, free or periodic, of which everything is known."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from rfp_md.baselines import Baseline, Capabilities
from rfp_md.prediction import Prediction
from rfp_md.structures.neighbours import neighbours


class LennardJones(Baseline):
    """E = Σ_{i<j} ε [(σ/r)¹² − 2 (σ/r)⁶] (1 − r²/r_c²)³."""

    name: ClassVar[str] = "lennard_jones"
    capabilities: ClassVar[Capabilities] = Capabilities(periodic=True)

    depth: float = Field(0.05, description="ε, eV")
    distance: float = Field(1.5, gt=0, description="σ, Å")
    cutoff: float = Field(5.0, gt=0, description="r_c, Å")

    def compute(self, frames):
        near = neighbours(frames, self.cutoff)
        r = np.linalg.norm(near.vectors, axis=1)
        s, inside = (self.distance / r) ** 6, 1 - (r / self.cutoff) ** 2
        pair = self.depth * (s**2 - 2 * s)
        slope = self.depth * (12 * s - 12 * s**2) / r * inside**3 - 6 * r / self.cutoff**2 * inside**2 * pair
        pull = 0.5 * (slope / r)[:, None] * near.vectors  # dE/d(r_j − r_i), each pair is there twice
        energies, forces, virials = (
            np.zeros(len(frames)),
            np.zeros(frames.positions.shape),
            np.zeros((len(frames), 3, 3)),
        )
        np.add.at(energies, near.frames, 0.5 * pair * inside**3)
        np.add.at(forces, (near.frames, near.atoms), -pull)
        np.add.at(forces, (near.frames, near.centres % frames.n_atoms), pull)
        np.add.at(virials, near.frames, -pull[:, :, None] * near.vectors[:, None, :])
        return Prediction(energies, forces, virials)


class Shift(Baseline):
    """E = c N with c from the training frames: what is left of their energies, for each atom."""

    name: ClassVar[str] = "shift"
    capabilities: ClassVar[Capabilities] = Capabilities(periodic=False)

    def fit(self, dataset):
        atoms = np.concatenate([np.full(len(block), block.n_atoms) for block in dataset])
        self.state["c"] = np.array([np.mean(dataset.energies / atoms)])

    def compute(self, frames):
        energies = np.full(len(frames), self.state["c"][0] * frames.n_atoms)
        return Prediction(energies, np.zeros(frames.positions.shape), np.zeros((len(frames), 3, 3)))
