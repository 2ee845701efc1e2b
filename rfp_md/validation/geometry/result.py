"""What the check of the geometry finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from rfp_md.validation.figures import Figure, Limit
from rfp_md.validation.result import CheckResult


@dataclass(frozen=True, kw_only=True)
class Rotor:
    """The energy while a group turns rigidly about a bond.

    Attributes:
        bond: its atoms; the second one turns.
        turning: how many atoms turn: the smaller side; other molecules stay where they are.
        profile_ev: at 0, 10, ... degrees, above the lowest.
    """

    bond: list[int]
    turning: int
    barrier_ev: Annotated[float, Figure("eV")]
    profile_ev: Annotated[list[float], Figure("eV")]


@dataclass(frozen=True, kw_only=True)
class Scan:
    """The potential along a path of reference structures, both from the frame where the reference is lowest."""

    file: str
    barrier_ev: Annotated[float, Figure("eV")]
    reference_barrier_ev: Annotated[float, Figure("eV")]
    max_error_ev: Annotated[float, Figure("eV")]
    profile_ev: Annotated[list[float], Figure("eV")]
    reference_profile_ev: Annotated[list[float], Figure("eV")]


@dataclass(frozen=True, kw_only=True)
class GeometryResult(CheckResult):
    """The minimum, its vibrations, and barriers around it.

    Attributes:
        changed_bonds: None in a periodic system without molecules, whose atoms have neighbours and not bonds.
        imaginary_modes, rigid_mode_per_cm: None of a single atom and above 200 atoms.
        frequencies_per_cm: imaginary ones negative, without the rigid motions; empty above 200 atoms, and where forces
            were not finite.
        rotors: the barrier of each rigid rotation of a group; none in a periodic system.
    """

    max_force_ev_per_angstrom: Annotated[
        float,
        Figure(
            "eV/Å",
            "largest force on an atom of the relaxed structure",
            Limit(1e-3, 1e-2, "a usual criterion of a relaxation"),
        ),
    ]
    changed_bonds: Annotated[
        int | None,
        Figure(
            "",
            "bonds of molecules made or broken by the relaxation; not judged in a crystal of atoms",
            Limit(0, 0, "the minimum of a molecule is that molecule"),
        ),
    ]
    imaginary_modes: Annotated[
        float | None,
        Figure(
            "",
            "vibrations of the relaxed structure below −5 cm⁻¹, the rigid motions left out",
            Limit(0, 0, "a minimum has none"),
        ),
    ]
    rigid_mode_per_cm: Annotated[
        float | None,
        Figure(
            "cm⁻¹",
            "largest frequency of the motions of the whole, which cost no energy",
            Limit(
                5.0,
                20.0,
                "six modes (five of a linear molecule, three of a crystal) are zero but for the differences",
            ),
        ),
    ]
    relaxation_ev: Annotated[float, Figure("eV", "energy of the minimum above where it began")]
    relaxation_angstrom: Annotated[float, Figure("Å", "how far an atom moved to the minimum")]
    frequencies_per_cm: Annotated[list[float], Figure("cm⁻¹")]
    relaxed_positions: Annotated[list[list[float]], Figure("Å")]
    rotors: list[Rotor]
    scan: Scan | None
