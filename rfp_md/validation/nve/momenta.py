"""The momenta of the whole, which nothing inside it can change."""

from __future__ import annotations

import numpy as np
from ase import Atoms

from rfp_md.arrays import Floats


def drifts(momenta: Floats, start: Atoms) -> tuple[float, float | None]:
    """Find the largest changes of momentum and angular momentum along a run, in units of thermal ones.

    ΔP / √(M k T) and ΔL / √(I k T), with the temperature of the start and the mean moment of inertia I.

    Args:
        momenta: P and L at every step (T, 2, 3), ASE's units.

    Returns:
        both; no angular momentum in a crystal, whose images see each other, or of a single atom.
    """
    changes = np.linalg.norm(momenta - momenta[0], axis=2).max(axis=0)
    kinetic = start.get_kinetic_energy() / (1.5 * len(start))  # k T, without counting what stands still
    linear = float(changes[0] / np.sqrt(start.get_masses().sum() * kinetic))
    if start.pbc.any():
        return linear, None
    inertia = float(np.mean(start.get_moments_of_inertia()))
    if inertia == 0.0:
        return linear, None
    return linear, float(changes[1] / np.sqrt(inertia * kinetic))
