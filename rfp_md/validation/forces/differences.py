"""Slopes of the energy from energies alone, and how far forces and stresses are from them."""

from __future__ import annotations

import numpy as np

from rfp_md.arrays import Floats, Ints
from rfp_md.frames import Frames
from rfp_md.linalg.differences import central_difference
from rfp_md.prediction import AnyPotential
from rfp_md.structures.strain import strained

# Å; truncation is largest at the first, rounding at the last: the error between them has the shape of a V.
STEPS = (3e-2, 1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5)
STRAIN = 3e-4
MOST_COMPONENTS = 60  # of one structure


def error_curve(
    potential: AnyPotential, frames: Frames, forces: Floats, rng: np.random.Generator
) -> tuple[list[dict[str, float]], int]:
    """Find the largest difference of a force component from central differences, for each step size.

    The error of these is h⁴ E⁽⁵⁾ / 30 + ε / h, for energies with a noise ε.
    Forces that are no gradient have a floor that no step gets under; noisy energies lift the left arm.

    Args:
        forces: of the frames (M, N, 3), eV/Å.

    Returns:
        ``step_angstrom`` and ``max_abs_error_ev_per_angstrom``, from the largest step to the smallest; how many
        components were looked at: all, or in each of large structures 60 that are drawn.
    """
    size = 3 * frames.n_atoms
    chosen = [rng.permutation(size)[:MOST_COMPONENTS] for _ in range(len(frames))]
    curve = []
    for step in STEPS:
        errors = [
            forces[k].ravel()[components] - central_differences(potential, frames, k, components, step)
            for k, components in enumerate(chosen)
        ]
        error = float(np.abs(errors).max())
        curve.append({"step_angstrom": step, "max_abs_error_ev_per_angstrom": error})
    return curve, sum(len(components) for components in chosen)


def central_differences(potential: AnyPotential, frames: Frames, k: int, components: Ints, step: float) -> Floats:
    """Compute some force components, eV/Å, of the structure k, from energies alone."""
    structure = frames.positions[k]
    moves = step * np.eye(structure.size)[components].reshape(-1, *structure.shape)

    def energies(factor: float) -> Floats:
        return potential.energies(frames[k : k + 1].at(structure + factor * moves))

    return -central_difference(energies, step)


def stress_error(potential: AnyPotential, frames: Frames, virials: Floats) -> float | None:
    """Find the largest difference of a stress component from central differences with strain, eV/Å³.

    σ = (1/V) dE/dε = −W/V, with the cell and the positions strained together. None without a volume or stresses.
    """
    if not frames.fills_space or not potential.has_stress:
        return None
    errors = []
    for k in range(len(frames)):
        slopes = np.array([[_strain_slope(potential, frames, k, a, b) for b in range(3)] for a in range(3)])
        # A rotation costs no energy, so that the slopes are symmetric but for rounding, as the virial is.
        errors.append(np.abs(slopes + virials[k]).max() / frames.volumes[k])
    return float(np.max(errors))


def _strain_slope(potential: AnyPotential, frames: Frames, k: int, row: int, column: int) -> float:
    def energies(factor: float) -> Floats:
        strain = np.zeros((3, 3))
        strain[row, column] = factor * STRAIN
        return potential.energies(strained(frames[k : k + 1], strain))

    return float(central_difference(energies, STRAIN)[0])
