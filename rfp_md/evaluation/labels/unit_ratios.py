"""Ratios of units that are often mixed up, with the flags that name them."""

from __future__ import annotations

import numpy as np

from rfp_md.io.units import energy_factor, force_factor, length_factor, stress_factor

CLOSE = 0.15  # of the logarithm; a slope is known that well or better
NEAREST = 0.7  # the same of the stresses, of which a small model knows less; their units are far apart

# Energies and forces of files that were read as eV and eV/Å: what the numbers may be instead.
MIXED = (
    ("eV", "hartree/bohr"),
    ("eV", "eV/bohr"),
    ("eV", "hartree/angstrom"),
    ("eV", "kcal/mol/angstrom"),
    ("eV", "kcal/mol/bohr"),
    ("eV", "kJ/mol/angstrom"),
    ("eV", "kJ/mol/nm"),
    ("eV", "meV/angstrom"),
    ("hartree", "hartree/bohr"),
    ("hartree", "eV/angstrom"),
    ("hartree", "kcal/mol/angstrom"),
    ("kcal/mol", "eV/angstrom"),
    ("kcal/mol", "hartree/bohr"),
    ("kJ/mol", "eV/angstrom"),
    ("kJ/mol", "kcal/mol/angstrom"),
    ("meV", "eV/angstrom"),
)
STRESSES = ("eV/angstrom^3", "GPa", "kbar", "bar", "Pa", "hartree/bohr^3")


def energy_hint(slope: float) -> str:
    """What energies that are so many times what the forces say may come from, with the remedy."""
    if abs(slope + 1) <= CLOSE:
        return "the forces seem to be gradients: change their sign"
    sign = "the forces seem to be gradients: change their sign; " if slope < 0 else ""
    if abs(abs(slope) / length_factor("bohr", "") - 1) <= CLOSE:
        return f"{sign}the positions seem to be in bohr: say --length-unit bohr"
    off = {pair: abs(np.log(abs(slope) * energy_factor(pair[0], "") / force_factor(pair[1], ""))) for pair in MIXED}
    near = sorted((pair for pair in MIXED if off[pair] <= CLOSE), key=lambda pair: off[pair])
    if near:
        flags = " or ".join(f"--energy-unit {energy} --force-unit {force}" for energy, force in near[:2])
        return f"{sign}their units seem to be others: say {flags}"
    return f"{sign}check --energy-unit, --force-unit and --length-unit"


def stress_hint(slope: float, volume: float) -> str:
    """What stresses that are so many times what the forces say may come from, with the remedy; volume in Å³."""
    leave = "or leave them out with --no-stress"
    sign = " and of the other sign" if slope < 0 else ""
    off = {unit: abs(np.log(abs(slope) * stress_factor(unit, ""))) for unit in STRESSES}
    off["virial"] = abs(np.log(abs(slope) / volume))
    unit = min(off, key=lambda one: off[one])
    if off[unit] > NEAREST:
        return f"check --stress-unit, {leave}"
    if unit == "virial":
        return f"they seem to be virials in eV{sign}: divide them by the volume (stress = -virial/V), {leave}"
    if unit == "eV/angstrom^3":
        return f"they seem to have the other sign: multiply them by -1, {leave}"
    return f"they seem to be in {unit}{sign}: say --stress-unit {unit}, {leave}"
