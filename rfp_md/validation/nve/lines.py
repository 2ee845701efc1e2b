"""What the command line says of NVE below its figures."""

from __future__ import annotations

from typing import Any


def lines(found: dict[str, Any]) -> list[str]:
    """The runs of a record that blew up."""
    return [
        f"the run at {event['temperature_k']:g} K with seed {event['seed']} blew up {event['text']}"
        for event in found.get("blown_up", [])
    ]
