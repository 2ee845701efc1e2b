"""What the command line says of the stability below its figures."""

from __future__ import annotations

from typing import Any

# Why a replica broke, but for a bond, of which there is more to tell.
WHY_BROKEN = {
    "temperature": "its temperature was twenty times that of the thermostat",
    "collision": "two atoms met",
    "forces": "its forces were not finite",
}


def lines(found: dict[str, Any]) -> list[str]:
    """Where each replica of a record broke."""
    return [_break(event) for event in found.get("breaks", [])]


def _break(event: dict[str, Any]) -> str:
    """Where a replica broke, in one line."""
    text = f"replica {event['replica']} broke at {event['ps']:.3g} ps"
    if event["why"] != "bond":
        return f"{text}: {WHY_BROKEN[event['why']]}"
    first, second = event["bond"]
    text += f": atoms {first} and {second} at {event['length_angstrom']:.2f} Å, not {event['equilibrium_angstrom']:.2f}"
    uncertainty = event["force_uncertainty_ev_per_angstrom"]
    return text if uncertainty is None else f"{text}; a force is uncertain by {uncertainty:.2g} eV/Å there"
