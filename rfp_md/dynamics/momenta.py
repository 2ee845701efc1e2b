"""Momenta of a temperature, and the motion of the whole taken out of them."""

from __future__ import annotations

import numpy as np
from ase import Atoms, units
from ase.md.velocitydistribution import Stationary, ZeroRotation, thermalize_momenta

from rfp_md.arrays import Floats


def set_thermal_momenta(atoms: Atoms, temperature: float, rng: np.random.Generator) -> None:
    """Give atoms the momenta of a temperature (K), at rest as a whole; a free molecule does not turn either."""
    thermalize_momenta(atoms, temperature, rng=rng)
    come_to_rest(atoms)


def come_to_rest(atoms: Atoms) -> None:
    """Take the motion of the whole away, and of a free molecule its turning."""
    if len(atoms) > 1:
        Stationary(atoms)
    if len(atoms) > 2 and not atoms.pbc.any():
        # A linear molecule has no moment of inertia about its axis.
        with np.errstate(invalid="ignore", divide="ignore"):
            ZeroRotation(atoms)


def degrees_of_freedom(atoms: Atoms) -> int:
    """Count the degrees of freedom that move, from such momenta."""
    still = 6 if len(atoms) > 2 and not atoms.pbc.any() else 3
    return max(1, 3 * len(atoms) - still)


def temperature_of(kinetic: Floats, freedom: int) -> Floats:
    """Convert kinetic energies, eV, of so many degrees of freedom to temperatures, K: 2 K / (N_f k)."""
    temperatures: Floats = 2.0 * kinetic / (freedom * units.kB)
    return temperatures
