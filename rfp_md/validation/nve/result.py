"""What the check of NVE finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from rfp_md.validation.figures import Figure, Limit
from rfp_md.validation.result import CheckResult


@dataclass(frozen=True)
class TracePoints:
    """Some points of the conserved energy along a run."""

    time_ps: Annotated[list[float], Figure("ps")]
    conserved_mev_per_atom: Annotated[list[float], Figure("meV/atom", "less its mean")]


@dataclass(frozen=True, kw_only=True)
class NVERun:
    """One run, and its first part at the timestep and at half of it.

    None for momenta of an engine that does not tell them, and for ratios where no energy changes but for rounding.
    """

    temperature_k: Annotated[float, Figure("K", "of the thermostat before the run")]
    seed: int
    drift_mev_per_atom_per_ps: Annotated[float, Figure("meV/atom/ps")]
    drift_error_mev_per_atom_per_ps: Annotated[float, Figure("meV/atom/ps", "standard error of the drift")]
    drift_ratio: float | None
    fluctuation_mev_per_atom: Annotated[float, Figure("meV/atom")]
    fluctuation_first_mev_per_atom: Annotated[float, Figure("meV/atom", "of the first part")]
    fluctuation_half_mev_per_atom: Annotated[float, Figure("meV/atom", "of the first part, at half the timestep")]
    dt2_ratio: float | None
    mean_temperature_k: Annotated[float, Figure("K")]
    momentum_drift: float | None
    angular_momentum_drift: float | None
    trace: TracePoints
    first_trace: TracePoints
    half_trace: TracePoints


@dataclass(frozen=True)
class BlownUpRun:
    """A run that came to no end."""

    temperature_k: Annotated[float, Figure("K")]
    seed: int
    text: str


@dataclass(frozen=True, kw_only=True)
class NVEResult(CheckResult):
    """The worst figures of all runs; None where no run has the figure.

    ``dt2_ratio`` and ``drift_ratio`` are None where no energy changes but for rounding: atoms
    out of each other's reach.
    """

    drift_mev_per_atom_per_ps: Annotated[
        float,
        Figure(
            "meV/atom/ps",
            "slope of a least-squares line through the conserved energy; worst run",
            Limit(
                0.01,
                0.1,
                "strict: nvalchemi's acceptance thresholds; default: ml-peg's ratio of 1 for a small molecule over "
                "50 ps",
            ),
        ),
    ]
    drift_ratio: Annotated[
        float | None,
        Figure(
            "",
            "|fitted drift over the run| / standard deviation of the kinetic energy; worst run",
            Limit(0.05, 0.1, "ml-peg and mlipaudit are content with 1"),
        ),
    ]
    dt2_ratio: Annotated[
        float | None,
        Figure(
            "",
            "fluctuation of the conserved energy at the timestep over that at half of it; worst temperature",
            Limit(
                0.4,
                0.8,
                "velocity Verlet is of second order (npj Comput. Mater. 2022, s41524-022-00872-x)",
                target=4.0,
            ),
        ),
    ]
    momentum_drift: Annotated[
        float | None,
        Figure(
            "thermal",
            "largest change of the total momentum, in units of √(M k T)",
            Limit(1e-6, 1e-3, "translation invariance"),
        ),
    ]
    angular_momentum_drift: Annotated[
        float | None,
        Figure(
            "thermal",
            "largest change of the angular momentum of a free molecule, in units of √(I k T)",
            Limit(1e-6, 1e-3, "rotation invariance"),
        ),
    ]
    reversal_error_angstrom: Annotated[
        float,
        Figure(
            "Å",
            "how far an atom is from its start after half a picosecond and as much back",
            Limit(1e-6, 1e-2, "velocity Verlet is time-reversible; chaos lets rounding grow"),
        ),
    ]
    fluctuation_mev_per_atom: Annotated[float | None, Figure("meV/atom", "of the conserved energy; worst run")]
    mean_temperature_k: Annotated[float | None, Figure("K", "of all runs")]
    length_ps: Annotated[float, Figure("ps")]
    timestep_fs: Annotated[float, Figure("fs")]
    engine: str
    runs: list[NVERun]
    blown_up: list[BlownUpRun]
