"""Harmonic frequencies from a Hessian by central differences of the forces."""

from __future__ import annotations

import ase.units
import numpy as np

from rfp_md.arrays import Floats
from rfp_md.frames import Frames
from rfp_md.io.atoms import to_atoms
from rfp_md.linalg.differences import central_difference
from rfp_md.prediction import AnyPotential

DISPLACEMENT = 0.01  # Å, of the differences that make the Hessian; fourth order
STRAIGHT = 1e-3  # of the largest motion; a turn below it moves nothing: that about the axis of a linear molecule


def vibrations_of(potential: AnyPotential, frames: Frames) -> tuple[Floats, Floats, Floats]:
    """Harmonic frequencies: ω² are the eigenvalues of M^-½ H M^-½ with the rigid motions projected out.

    Returns:
        frequencies of the vibrations, cm⁻¹, imaginary ones negative; of the rigid motions, before the projection; and
        the mass-weighted displacement (N, 3) of the lowest vibration. None is a number where a force was not finite.
    """
    masses = np.repeat(to_atoms(frames).get_masses(), 3)
    hessian = _hessian(potential, frames) / np.sqrt(np.outer(masses, masses))
    rigid = _rigid_motions(frames, masses)
    if not np.isfinite(hessian).all():
        return np.full(len(masses) - len(rigid), np.nan), np.full(len(rigid), np.nan), np.zeros((frames.n_atoms, 3))
    along = np.einsum("ki,ij,kj->k", rigid, hessian, rigid)
    keep = np.eye(len(masses)) - rigid.T @ rigid
    values, modes = np.linalg.eigh(keep @ hessian @ keep)
    vibrating = np.argsort(np.abs(np.einsum("ki,ij->kj", rigid, modes)).max(axis=0))[: len(masses) - len(rigid)]
    vibrating.sort()
    values, modes = values[vibrating], modes[:, vibrating]
    return _per_cm(values), _per_cm(along), modes[:, 0].reshape(-1, 3)


def _hessian(potential: AnyPotential, frames: Frames) -> Floats:
    """Slopes of the forces (3N, 3N), eV/Å², by differences of fourth order, symmetrised."""
    size = 3 * frames.n_atoms
    moves = DISPLACEMENT * np.eye(size).reshape(size, -1, 3)

    def forces(factor: float) -> Floats:
        return potential.compute(frames.at(frames.positions + factor * moves)).forces.reshape(size, size)

    slopes = central_difference(forces, DISPLACEMENT)
    hessian: Floats = -0.5 * (slopes + slopes.T)
    return hessian


def _rigid_motions(frames: Frames, masses: Floats) -> Floats:
    """Orthonormal mass-weighted shifts, and turns of a free molecule: (6, 3N), (5, 3N) if it is linear, or (3, 3N)."""
    weights = np.sqrt(masses).reshape(-1, 3)
    arms = frames.positions[0] - np.average(frames.positions[0], axis=0, weights=weights[:, 0] ** 2)
    motions = [weights * axis for axis in np.eye(3)]
    if not frames.periodic:
        motions += [weights * np.cross(axis, arms) for axis in np.eye(3)]
    _, sizes, basis = np.linalg.svd(np.reshape(motions, (len(motions), -1)), full_matrices=False)
    rigid: Floats = basis[sizes > STRAIGHT * sizes[0]]
    return rigid


def _per_cm(values: Floats) -> Floats:
    """From ω², eV/(Å² amu), to wavenumbers; negative ones for negative values."""
    omega = np.sign(values) * np.sqrt(np.abs(values)) * np.sqrt(ase.units._e / ase.units._amu) * 1e10  # 1/s
    frequencies: Floats = omega * ase.units._hbar / ase.units._e / ase.units.invcm
    return frequencies
