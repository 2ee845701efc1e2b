"""Are the forces the negative gradient of one smooth energy, that knows the symmetries of space?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import numpy as np

from rfp_md.errors import UserError
from rfp_md.potential import Potential
from rfp_md.prediction import AnyPotential
from rfp_md.validation.forces import symmetries
from rfp_md.validation.forces.differences import error_curve, stress_error
from rfp_md.validation.forces.smoothness import scan
from rfp_md.validation.thresholds import judge

DISPLACEMENT = 0.05  # Å, standard deviation of the random displacements of the structures
STRUCTURES, QUICK_STRUCTURES = 5, 2


def check_forces(
    potential: AnyPotential, *, n_structures: int | None = None, seed: int = 0, quick: bool = False
) -> dict[str, Any]:
    """Forces against central differences, symmetries, jumps; on displaced copies of the reference structure.

    Args:
        n_structures: default: 5, or 2 if ``quick``.
        quick: fewer structures, and one bond of each kind is stretched.

    Returns:
        passed, verdict, judged; the figures of ``rfp_md.validation.thresholds``; max_abs_force_ev_per_angstrom,
        n_components, error_curve (for each step size), scans (jumps along each path).

    Raises:
        UserError: a negative seed, or a model without forces.
    """
    if seed < 0:
        raise UserError(f"--seed {seed}: must not be negative")
    rng = np.random.default_rng(seed)
    n_structures = n_structures or (QUICK_STRUCTURES if quick else STRUCTURES)
    shape = (n_structures, potential.reference.n_atoms, 3)
    frames = potential.reference.at(potential.reference.positions + DISPLACEMENT * rng.standard_normal(shape))
    plain = potential.compute(frames)
    curve, n_components = error_curve(potential, frames, plain.forces, rng)
    scans = scan(potential, quick=quick)
    figures: dict[str, Any] = {
        "max_abs_error_ev_per_angstrom": float(np.min([point["max_abs_error_ev_per_angstrom"] for point in curve])),
        "net_force_ev_per_angstrom": symmetries.net_force(plain),
        "net_torque_ev": symmetries.net_torque(frames, plain),
        "translation_error": symmetries.translation_error(potential, frames, plain, rng),
        "rotation_error": symmetries.rotation_error(potential, frames, plain, rng),
        "permutation_error": symmetries.permutation_error(potential, frames, plain, rng),
        "repetition_error": symmetries.repetition_error(potential, frames, plain, rng),
        "energy_jump_ev": _largest(path.energy for path in scans),
        "force_jump_ev_per_angstrom": _largest(path.force for path in scans),
        "curvature_jump_ev_per_angstrom2": _largest(path.curvature for path in scans),
        "max_stress_error_ev_per_angstrom3": stress_error(potential, frames, plain.virials),
    }
    return {
        **judge("forces", figures, lenient=() if promised(potential) else ("permutation_error",)),
        **figures,
        "max_abs_force_ev_per_angstrom": float(np.abs(plain.forces).max()),
        "n_components": n_components,
        "error_curve": curve,
        "scans": [asdict(path) for path in scans],
    }


def _largest(jumps: Iterable[float]) -> float:
    """Not a number if one is not, which max() forgets; none of a single atom, which has no paths."""
    return float(np.max([0.0, *jumps]))


def promised(potential: AnyPotential) -> bool:
    """Whether like atoms may change places; of our models, their descriptors say so."""
    if not isinstance(potential, Potential):
        return True
    return all(descriptor.capabilities.permutation_invariant for descriptor in potential.descriptors)
