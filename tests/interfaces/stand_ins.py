"""Potentials that are none: what a program's atoms meet in tests."""

from types import SimpleNamespace

import numpy as np
from ase.calculators.lj import LennardJones

from rfp_md.descriptors import Capabilities
from rfp_md.io.atoms import to_atoms
from rfp_md.prediction import PerAtom, Prediction


class Periodic:
    """Argon for atoms of any element in a periodic box: ASE's calculator inside."""

    descriptors = (SimpleNamespace(capabilities=Capabilities(periodic=True, translation_invariant=True)),)
    fixed_composition, elements = False, ()
    epsilon, sigma, cutoff = 0.0104, 3.4, 6.0

    def compute(self, frames):
        atoms = to_atoms(frames)
        atoms.calc = LennardJones(sigma=self.sigma, epsilon=self.epsilon, rc=self.cutoff, smooth=False)
        energies, forces = np.array([atoms.get_potential_energy()]), atoms.get_forces()[None]
        return Prediction(energies, forces, -atoms.get_stress(voigt=False)[None] * atoms.get_volume())

    def per_atom(self, frames):
        """Half of every pair, as LAMMPS has it; ASE's stresses are those of the pairs and not of the cell."""
        atoms = to_atoms(frames)
        atoms.calc = LennardJones(sigma=self.sigma, epsilon=self.epsilon, rc=self.cutoff, smooth=False)
        stresses = atoms.get_stresses(voigt=False) * atoms.get_volume()
        return PerAtom(atoms.get_potential_energies()[None], -stresses[None])


class Altered:
    """A potential whose results are changed at one evaluation, or at all of them (...)."""

    def __init__(self, potential, evaluation, change):
        self.potential, self.evaluation, self.change, self.count = potential, evaluation, change, 0

    def __getattr__(self, name):
        return getattr(self.potential, name)

    def compute(self, frames):
        self.count += 1
        prediction = self.potential.compute(frames)
        if self.evaluation in (..., self.count):
            self.change(prediction)
        return prediction


def spoil(prediction):
    prediction.forces[0, 3, 1] = np.nan
