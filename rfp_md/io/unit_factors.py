"""In which units a file is: what it states, what the flags say, and whether the two agree."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from rfp_md.errors import UserError
from rfp_md.io.units import Units, energy_factor, force_factor, length_factor, stress_factor

CLOSE = 1e-4  # relative: units whose values were rounded by somebody are the same


@dataclass(frozen=True)
class Factors:
    """eV, eV/Å, Å and eV/Å³ for each unit of the file."""

    energy: float
    force: float
    length: float
    stress: float


def factors_of(where: str, units: Units, stated: Mapping[str, str], usual: Mapping[str, str]) -> Factors:
    """Work out what numbers of a file are multiplied with.

    Args:
        where: the file, for messages.
        units: what the flags say.
        stated: what the file says: energy, force, length, stress.
        usual: energy and length that hold where neither says any.

    Raises:
        UserError: an unknown unit, flags that contradict the file, or no unit at all.
    """
    energy = _agreed(where, "energy", units.energy, stated, energy_factor) or _usual(where, "energy", usual)
    length = _agreed(where, "length", units.length, stated, length_factor) or _usual(where, "length", usual)
    force = _agreed(where, "force", units.force, stated, force_factor) or energy / length
    stress = _agreed(where, "stress", units.stress, stated, stress_factor) or energy / length**3
    said = units.energy or stated.get("energy")
    if "force" in stated and said is None and not np.isclose(force, energy / length, rtol=CLOSE):
        raise UserError(
            f"{where}: states that forces are in {stated['force']}, but not the unit of energies; say --energy-unit"
        )
    return Factors(energy, force, length, stress)


def _agreed(
    where: str, quantity: str, said: str | None, stated: Mapping[str, str], factor: Callable[[str, str], float]
) -> float | None:
    """The unit's factor from the flag or the file; None where neither says it."""
    flag = f"--{quantity}-unit"
    by_flag = None if said is None else factor(said, flag)
    if quantity not in stated:
        return by_flag
    by_file = factor(stated[quantity], where)
    if by_flag is not None and not np.isclose(by_flag, by_file, rtol=CLOSE):
        raise UserError(f"{where}: {flag} {said} contradicts the file, which states {stated[quantity]}")
    return by_file


def _usual(where: str, quantity: str, usual: Mapping[str, str]) -> float:
    if quantity not in usual:
        raise UserError(f"{where}: does not state its unit of {quantity}; say --{quantity}-unit")
    return {"energy": energy_factor, "length": length_factor}[quantity](usual[quantity], where)
