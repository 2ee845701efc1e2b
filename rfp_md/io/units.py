"""Units at the border: names that users write, and their values in eV and Å."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from rfp_md.errors import UserError

ALIASES = {
    "ang": "angstrom",
    "å": "angstrom",
    "a": "angstrom",
    "ha": "hartree",
    "eh": "hartree",
    "a0": "bohr",
    "ry": "rydberg",
}
CUBED = re.compile(r"\s*(\^|\*\*)?\s*[3³]\s*$")


@dataclass(frozen=True)
class Units:
    """The units that the flags name; None where the user said nothing."""

    energy: str | None = None
    force: str | None = None
    length: str | None = None
    stress: str | None = None


def energy_factor(unit: str, said_by: str) -> float:
    """Look up eV per unit of energy. Raises UserError for an unknown unit, naming where it was said."""
    return _factor(unit, _energies(), said_by, "energy")


def length_factor(unit: str, said_by: str) -> float:
    """Look up Å per unit of length. Raises UserError for an unknown unit, naming where it was said."""
    return _factor(unit, _lengths(), said_by, "length")


def force_factor(unit: str, said_by: str) -> float:
    """Work out eV/Å per unit of force, an energy, a slash and a length, as in ``kcal/mol/angstrom``."""
    energy, slash, length = unit.rpartition("/")
    if not slash or _canonical(energy) not in _energies() or _canonical(length) not in _lengths():
        raise UserError(
            f"{said_by}: unknown force unit '{unit}'; write an energy, a slash and a length, as in kcal/mol/angstrom "
            f"(energies: {', '.join(_energies())}; lengths: {', '.join(_lengths())})"
        )
    return energy_factor(energy, said_by) / length_factor(length, said_by)


def stress_factor(unit: str, said_by: str) -> float:
    """Look up eV/Å³ per unit of stress: a pressure, or an energy, a slash and a length³, as in ``eV/angstrom^3``."""
    if (pressure := _pressures().get(_canonical(unit))) is not None:
        return pressure
    energy, slash, volume = unit.rpartition("/")
    length = CUBED.sub("", volume)
    if not slash or length == volume or _canonical(energy) not in _energies() or _canonical(length) not in _lengths():
        raise UserError(
            f"{said_by}: unknown stress unit '{unit}'; write one of {', '.join(_pressures())}, or an energy, a slash "
            "and a length^3, as in eV/angstrom^3 "
            f"(energies: {', '.join(_energies())}; lengths: {', '.join(_lengths())})"
        )
    return energy_factor(energy, said_by) / length_factor(length, said_by) ** 3


@cache
def _energies() -> dict[str, float]:
    """eV. ASE comes with it, which the options of the verbs, that are in this room too, must not load."""
    from ase.units import Hartree, Rydberg, kcal, kJ, mol

    return {"ev": 1.0, "mev": 1e-3, "kcal/mol": kcal / mol, "kj/mol": kJ / mol, "hartree": Hartree, "rydberg": Rydberg}


@cache
def _lengths() -> dict[str, float]:
    """Å."""
    from ase.units import Bohr

    return {"angstrom": 1.0, "bohr": Bohr, "nm": 10.0}


@cache
def _pressures() -> dict[str, float]:
    """eV/Å³."""
    from ase.units import GPa, bar

    return {"gpa": GPa, "kbar": 1e3 * bar, "bar": bar, "pa": 1e-9 * GPa}


def _canonical(unit: str) -> str:
    if unit.strip() == "MeV":  # a million eV, and no thousandth
        return unit.strip()
    lower = unit.strip().lower()
    return ALIASES.get(lower, lower)


def _factor(unit: str, table: dict[str, float], said_by: str, quantity: str) -> float:
    if _canonical(unit) not in table:
        raise UserError(f"{said_by}: unknown {quantity} unit '{unit}'; known are {', '.join(table)}")
    return table[_canonical(unit)]
