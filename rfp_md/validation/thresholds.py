"""The one table of what a figure may be; docs/validation.md is made from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from math import isfinite
from typing import Any


class Verdict(IntEnum):
    """Of a figure, a check, or a model: the worst of its parts."""

    passed = 0
    warning = 1
    failed = 2

    def __str__(self) -> str:
        return ("pass", "pass with warnings", "fail")[self]


@dataclass(frozen=True)
class Limit:
    """What a figure may be: within ``strict`` it passes, within ``default`` with a warning, beyond it fails.

    Attributes:
        check, figure: where the figure stands in the result.
        strict, default: the largest |figure − target|, or with ``at_least`` the smallest figure.
        unit: of the figure, or what it counts.
        meaning: what the figure is, in one line.
        source: where the limit comes from.
    """

    check: str
    figure: str
    strict: float
    default: float
    unit: str
    meaning: str
    source: str
    target: float = 0.0
    at_least: bool = False

    def judge(self, value: float) -> Verdict:
        """What is not a number fails."""
        if not isfinite(value):
            return Verdict.failed
        if self.at_least:
            return Verdict(int(value < self.strict) + int(value < self.default))
        off = abs(value - self.target)
        return Verdict(int(off > self.strict) + int(off > self.default))

    def text(self, bound: float) -> str:
        """The bound as people read it."""
        if self.at_least:
            return f"≥ {bound:g}"
        return f"{self.target - bound:g} to {self.target + bound:g}" if self.target else f"≤ {bound:g}"


_FLOAT64 = "float64: forces of a few eV/Å have an error of 1e-9 eV/Å by differences of energies"
_SYMMETRY = "exact for an analytic potential, but for rounding"
_DT2 = "velocity Verlet is of second order (npj Comput. Mater. 2022, s41524-022-00872-x)"
_FU = "Fu et al., arXiv:2210.07237"

LIMITS = (
    Limit(
        "forces",
        "max_abs_error_ev_per_angstrom",
        1e-6,
        1e-5,
        "eV/Å",
        "largest difference of a force component from central differences, at the best step size",
        _FLOAT64,
    ),
    Limit("forces", "net_force_ev_per_angstrom", 1e-6, 1e-5, "eV/Å", "largest component of Σ f", _SYMMETRY),
    Limit("forces", "net_torque_ev", 1e-5, 1e-4, "eV", "largest component of Σ r × f of a free molecule", _SYMMETRY),
    Limit(
        "forces",
        "translation_error",
        1e-6,
        1e-5,
        "eV, eV/Å",
        "change of the energy or of a force when the whole is shifted, or one atom by a lattice vector",
        _SYMMETRY,
    ),
    Limit(
        "forces",
        "rotation_error",
        1e-6,
        1e-5,
        "eV, eV/Å",
        "change of the energy, or of a force turned back, when the whole is turned",
        _SYMMETRY,
    ),
    Limit(
        "forces",
        "permutation_error",
        1e-6,
        1e-5,
        "eV, eV/Å",
        "change of the energy, or of a force relabelled back, when like atoms change places",
        _SYMMETRY,
    ),
    Limit(
        "forces",
        "repetition_error",
        1e-6,
        1e-5,
        "eV, eV/Å",
        "change of the answer for a structure when others were asked for in between",
        "a potential is a function",
    ),
    Limit(
        "forces",
        "energy_jump_ev",
        1e-6,
        1e-4,
        "eV",
        "largest jump of the energy against the integral of the forces along stretches and through the cutoff",
        "continuity",
    ),
    Limit(
        "forces",
        "force_jump_ev_per_angstrom",
        1e-4,
        1e-2,
        "eV/Å",
        "largest jump of the force along them: the first derivative of the energy",
        "velocity Verlet needs a continuous force",
    ),
    Limit(
        "forces",
        "curvature_jump_ev_per_angstrom2",
        1e-2,
        1.0,
        "eV/Å²",
        "largest jump of the slope of the force along them: the second derivative of the energy",
        "an integrator of second order needs a continuous second derivative",
    ),
    Limit(
        "forces",
        "max_stress_error_ev_per_angstrom3",
        1e-7,
        1e-6,
        "eV/Å³",
        "largest difference of the stress of a crystal from central differences with strain",
        _FLOAT64,
    ),
    Limit(
        "nve",
        "drift_mev_per_atom_per_ps",
        0.01,
        0.1,
        "meV/atom/ps",
        "slope of a least-squares line through the conserved energy; worst run",
        "strict: nvalchemi's acceptance thresholds; default: ml-peg's ratio of 1 for a small molecule over 50 ps",
    ),
    Limit(
        "nve",
        "drift_ratio",
        0.05,
        0.1,
        "",
        "|fitted drift over the run| / standard deviation of the kinetic energy; worst run",
        "ml-peg and mlipaudit are content with 1",
    ),
    Limit(
        "nve",
        "dt2_ratio",
        0.4,
        0.8,
        "",
        "fluctuation of the conserved energy at the timestep over that at half of it; worst temperature",
        _DT2,
        target=4.0,
    ),
    Limit(
        "nve",
        "momentum_drift",
        1e-6,
        1e-3,
        "thermal",
        "largest change of the total momentum, in units of √(M k T)",
        "translation invariance",
    ),
    Limit(
        "nve",
        "angular_momentum_drift",
        1e-6,
        1e-3,
        "thermal",
        "largest change of the angular momentum of a free molecule, in units of √(I k T)",
        "rotation invariance",
    ),
    Limit(
        "nve",
        "reversal_error_angstrom",
        1e-6,
        1e-2,
        "Å",
        "how far an atom is from its start after half a picosecond and as much back",
        "velocity Verlet is time-reversible; chaos lets rounding grow",
    ),
    Limit(
        "stability",
        "stable_fraction",
        1.0,
        0.8,
        "",
        "replicas in which no bond of a molecule is off by more than 0.5 Å, no atoms collide, and none overheats",
        f"{_FU}; four of five replicas",
        at_least=True,
    ),
    Limit(
        "stability",
        "pair_distance_mae",
        0.2,
        0.5,
        "",
        "∫ |h(r) − h_ref(r)| dr of the distribution of pair distances, against reference frames",
        f"{_FU}: 0.02 to 0.15 for the best networks, above 0.5 for those that are wrong",
    ),
    Limit(
        "geometry",
        "max_force_ev_per_angstrom",
        1e-3,
        1e-2,
        "eV/Å",
        "largest force on an atom of the relaxed structure",
        "a usual criterion of a relaxation",
    ),
    Limit(
        "geometry",
        "changed_bonds",
        0,
        0,
        "",
        "bonds of molecules made or broken by the relaxation; not judged in a crystal of atoms",
        "the minimum of a molecule is that molecule",
    ),
    Limit(
        "geometry",
        "imaginary_modes",
        0,
        0,
        "",
        "vibrations of the relaxed structure below −5 cm⁻¹, the rigid motions left out",
        "a minimum has none",
    ),
    Limit(
        "geometry",
        "rigid_mode_per_cm",
        5.0,
        20.0,
        "cm⁻¹",
        "largest frequency of the motions of the whole, which cost no energy",
        "six modes (five of a linear molecule, three of a crystal) are zero but for the differences",
    ),
)


def judge(check: str, figures: Mapping[str, Any], *, lenient: Iterable[str] = ()) -> dict[str, Any]:
    """Hold figures against the table.

    Args:
        figures: those that are None, or are not in the table, are not judged.
        lenient: figures that the potential does not promise anything about, so that they do not fail.

    Returns:
        ``passed``, ``verdict``, and ``judged``: a list of figure, value, strict, default, verdict.
    """
    judged = []
    worst = Verdict.passed
    for limit in LIMITS:
        value = figures.get(limit.figure)
        if limit.check != check or value is None:
            continue
        verdict = limit.judge(value)
        if limit.figure in lenient:
            verdict = min(verdict, Verdict.warning)
        worst = max(worst, verdict)
        judged.append(
            {
                "figure": limit.figure,
                "value": value,
                "strict": limit.text(limit.strict),
                "default": limit.text(limit.default),
                "verdict": str(verdict),
            }
        )
    return {"passed": worst < Verdict.failed, "verdict": str(worst), "judged": judged}
