"""What the check of the forces finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from rfp_md.validation.figures import Figure, Limit
from rfp_md.validation.forces.smoothness import Jumps
from rfp_md.validation.result import CheckResult

_FLOAT64 = "float64: forces of a few eV/Å have an error of 1e-9 eV/Å by differences of energies"
_SYMMETRY = Limit(1e-6, 1e-5, "exact for an analytic potential, but for rounding")
_EITHER = "eV, eV/Å"


@dataclass(frozen=True)
class DifferenceError:
    """The largest difference of a force component from central differences with one step."""

    step_angstrom: Annotated[float, Figure("Å")]
    max_abs_error_ev_per_angstrom: Annotated[float, Figure("eV/Å")]


@dataclass(frozen=True, kw_only=True)
class ForcesResult(CheckResult):
    """Errors of the forces, of the symmetries and of the smoothness; None for what the structure has not."""

    max_abs_error_ev_per_angstrom: Annotated[
        float,
        Figure(
            "eV/Å",
            "largest difference of a force component from central differences, at the best step size",
            Limit(1e-6, 1e-5, _FLOAT64),
        ),
    ]
    net_force_ev_per_angstrom: Annotated[float, Figure("eV/Å", "largest component of Σ f", _SYMMETRY)]
    net_torque_ev: Annotated[
        float | None,
        Figure("eV", "largest component of Σ r × f of a free molecule", Limit(1e-5, 1e-4, _SYMMETRY.source)),
    ]
    translation_error: Annotated[
        float,
        Figure(
            _EITHER,
            "change of the energy or of a force when the whole is shifted, or one atom by a lattice vector",
            _SYMMETRY,
        ),
    ]
    rotation_error: Annotated[
        float, Figure(_EITHER, "change of the energy, or of a force turned back, when the whole is turned", _SYMMETRY)
    ]
    permutation_error: Annotated[
        float | None,
        Figure(
            _EITHER, "change of the energy, or of a force relabelled back, when like atoms change places", _SYMMETRY
        ),
    ]
    repetition_error: Annotated[
        float,
        Figure(
            _EITHER,
            "change of the answer for a structure when others were asked for in between",
            Limit(1e-6, 1e-5, "a potential is a function"),
        ),
    ]
    energy_jump_ev: Annotated[
        float,
        Figure(
            "eV",
            "largest jump of the energy against the integral of the forces along stretches and through the cutoff",
            Limit(1e-6, 1e-4, "continuity"),
        ),
    ]
    force_jump_ev_per_angstrom: Annotated[
        float,
        Figure(
            "eV/Å",
            "largest jump of the force along them: the first derivative of the energy",
            Limit(1e-4, 1e-2, "velocity Verlet needs a continuous force"),
        ),
    ]
    curvature_jump_ev_per_angstrom2: Annotated[
        float,
        Figure(
            "eV/Å²",
            "largest jump of the slope of the force along them: the second derivative of the energy",
            Limit(1e-2, 1.0, "an integrator of second order needs a continuous second derivative"),
        ),
    ]
    max_stress_error_ev_per_angstrom3: Annotated[
        float | None,
        Figure(
            "eV/Å³",
            "largest difference of the stress of a crystal from central differences with strain",
            Limit(1e-7, 1e-6, _FLOAT64),
        ),
    ]
    max_abs_force_ev_per_angstrom: Annotated[float, Figure("eV/Å", "largest force component")]
    n_components: Annotated[int, Figure("", "force components that were compared with differences")]
    error_curve: list[DifferenceError]
    scans: list[Jumps]
