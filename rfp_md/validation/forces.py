"""Are the forces the negative gradient of the energy?"""

from __future__ import annotations

from typing import Any

import numpy as np

from rfp_md.errors import UserError
from rfp_md.frames import Floats
from rfp_md.potential import Potential

LARGEST_ERROR = 1e-6  # eV/Å, for forces of a few eV/Å in float64
STEP = 2e-4  # Å; larger ones see the kinks that a cutoff leaves in the second derivative
DISPLACEMENT = 0.05  # Å, standard deviation of the random displacements of the structures


def check_forces(potential: Potential, *, n_structures: int = 5, seed: int = 0) -> dict[str, Any]:
    """Compare forces with central differences on displaced copies of the model's reference structure.

    The differences are of fourth order, F ≈ −[8 E(h) − 8 E(−h) − E(2h) + E(−2h)] / 12h, for every
    component of every atom.

    Returns:
        passed, max_abs_error_ev_per_angstrom, max_abs_force_ev_per_angstrom, n_components.
    """
    if seed < 0:
        raise UserError(f"--seed {seed}: must not be negative")
    rng = np.random.default_rng(seed)
    shape = (n_structures, potential.reference.n_atoms, 3)
    positions = potential.reference.positions + DISPLACEMENT * rng.standard_normal(shape)
    forces = potential.compute(potential.reference.at(positions)).forces
    numerical = np.array([central_differences(potential, structure) for structure in positions])
    error = float(np.abs(forces - numerical).max())
    return {
        "passed": error <= LARGEST_ERROR,
        "max_abs_error_ev_per_angstrom": error,
        "max_abs_force_ev_per_angstrom": float(np.abs(forces).max()),
        "n_components": forces.size,
    }


def central_differences(potential: Potential, structure: Floats) -> Floats:
    """Forces (N, 3), eV/Å, of one structure (N, 3), Å, from energies alone."""
    steps = STEP * np.eye(structure.size).reshape(-1, *structure.shape)

    def energies(factor: float) -> Floats:
        return potential.energies(potential.reference.at(structure + factor * steps))

    slope = (8.0 * (energies(1) - energies(-1)) - (energies(2) - energies(-2))) / (12.0 * STEP)
    return -slope.reshape(structure.shape)
