"""Are the forces the negative gradient of one smooth energy, that knows the symmetries of space?"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from rfp_md.errors import UserError
from rfp_md.frames import Frames
from rfp_md.potential import Potential
from rfp_md.prediction import AnyPotential
from rfp_md.validation.forces import symmetries
from rfp_md.validation.forces.defaults import QUICK_STRUCTURES, STRUCTURES
from rfp_md.validation.forces.differences import error_curve, stress_error
from rfp_md.validation.forces.result import DifferenceError, ForcesResult
from rfp_md.validation.forces.smoothness import scan

DISPLACEMENT = 0.05  # Å, standard deviation of the random displacements of the structures


def check_forces(
    potential: AnyPotential, *, n_structures: int | None = None, seed: int = 0, quick: bool = False
) -> ForcesResult:
    """Forces against central differences, symmetries, jumps; on displaced copies of the reference structure.

    Args:
        n_structures: default: 5, or 2 if ``quick``.
        quick: fewer structures, and one bond of each kind is stretched.

    Raises:
        UserError: a negative seed, or a model without forces.
    """
    if seed < 0:
        raise UserError(f"--seed {seed}: must not be negative")
    rng = np.random.default_rng(seed)
    frames = _displaced(potential.reference, n_structures or (QUICK_STRUCTURES if quick else STRUCTURES), rng)
    plain = potential.compute(frames)
    curve, n_components = error_curve(potential, frames, plain.forces, rng)
    paths = scan(potential, quick=quick)
    return ForcesResult(
        max_abs_error_ev_per_angstrom=float(np.min([point["max_abs_error_ev_per_angstrom"] for point in curve])),
        net_force_ev_per_angstrom=symmetries.net_force(plain),
        net_torque_ev=symmetries.net_torque(frames, plain),
        translation_error=symmetries.translation_error(potential, frames, plain, rng),
        rotation_error=symmetries.rotation_error(potential, frames, plain, rng),
        permutation_error=symmetries.permutation_error(potential, frames, plain, rng),
        repetition_error=symmetries.repetition_error(potential, frames, plain, rng),
        energy_jump_ev=_largest(path.energy for path in paths),
        force_jump_ev_per_angstrom=_largest(path.force for path in paths),
        curvature_jump_ev_per_angstrom2=_largest(path.curvature for path in paths),
        max_stress_error_ev_per_angstrom3=stress_error(potential, frames, plain.virials),
        max_abs_force_ev_per_angstrom=float(np.abs(plain.forces).max()),
        n_components=n_components,
        error_curve=[DifferenceError(**point) for point in curve],
        scans=paths,
        lenient=() if promised(potential) else ("permutation_error",),
    )


def _displaced(reference: Frames, n_structures: int, rng: np.random.Generator) -> Frames:
    """Copies of the reference structure with every atom displaced at random."""
    moves = DISPLACEMENT * rng.standard_normal((n_structures, reference.n_atoms, 3))
    return reference.at(reference.positions + moves)


def _largest(jumps: Iterable[float]) -> float:
    """Not a number if one is not, which max() forgets; none of a single atom, which has no paths."""
    return float(np.max([0.0, *jumps]))


def promised(potential: AnyPotential) -> bool:
    """Whether like atoms may change places; of our models, their descriptors say so."""
    if not isinstance(potential, Potential):
        return True
    return all(descriptor.capabilities.permutation_invariant for descriptor in potential.descriptors)
