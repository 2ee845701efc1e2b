"""What the check of the stability finds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from rfp_md.validation.figures import Figure, Limit
from rfp_md.validation.result import CheckResult

Why = Literal["forces", "bond", "collision", "temperature"]

_FU = "Fu et al., arXiv:2210.07237"


@dataclass(frozen=True, kw_only=True)
class Break:
    """Where a replica broke.

    Attributes:
        why: what ended it.
        bond, length_angstrom, equilibrium_angstrom: of a bond that did.
        force_uncertainty_ev_per_angstrom: the largest of an atom's force there; None where the model does not know.
        departure_positions: of a model with a committee, where in the last 100 fs a force began to be uncertain, Å.
    """

    replica: int
    ps: Annotated[float, Figure("ps")]
    why: Why
    bond: list[int] | None = None
    length_angstrom: Annotated[float | None, Figure("Å")] = None
    equilibrium_angstrom: Annotated[float | None, Figure("Å", "in the minimum")] = None
    force_uncertainty_ev_per_angstrom: Annotated[float | None, Figure("eV/Å")]
    positions: Annotated[list[list[float]], Figure("Å")]
    departure_positions: Annotated[list[list[float]] | None, Figure("Å")] = None


@dataclass(frozen=True)
class Series:
    """What was seen of the replicas along the run."""

    time_ps: Annotated[list[float], Figure("ps")] = field(default_factory=list)
    temperature_k: Annotated[list[float], Figure("K", "mean over the replicas")] = field(default_factory=list)
    force_uncertainty_ev_per_angstrom: Annotated[
        list[float | None], Figure("eV/Å", "the largest of an atom in the batch")
    ] = field(default_factory=list)


@dataclass(frozen=True)
class PairDistances:
    """h(r), up to the last pair."""

    r_angstrom: Annotated[list[float], Figure("Å")]
    h_per_angstrom: Annotated[list[float], Figure("1/Å")]


@dataclass(frozen=True, kw_only=True)
class StabilityResult(CheckResult):
    """How long the replicas held, and what they were like; pair distances are None in a crystal."""

    stable_fraction: Annotated[
        float,
        Figure(
            "",
            "replicas in which no bond of a molecule is off by more than 0.5 Å, no atoms collide, and none overheats",
            Limit(1.0, 0.8, f"{_FU}; four of five replicas", at_least=True),
        ),
    ]
    pair_distance_mae: Annotated[
        float | None,
        Figure(
            "",
            "∫ |h(r) − h_ref(r)| dr of the distribution of pair distances, against reference frames",
            Limit(0.2, 0.5, f"{_FU}: 0.02 to 0.15 for the best networks, above 0.5 for those that are wrong"),
        ),
    ]
    stable_ps: Annotated[float, Figure("ps", "mean over the replicas")]
    stable_ps_of_replicas: Annotated[list[float], Figure("ps")]
    length_ps: Annotated[float, Figure("ps")]
    timestep_fs: Annotated[float, Figure("fs")]
    temperature_k: Annotated[float, Figure("K", "of the thermostat")]
    breaks: list[Break]
    series: Series
    pair_distances: PairDistances | None
    reference_pair_distances: PairDistances | None
