"""Under which names a file has its labels, where these are not the usual ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

STRAIN_LABELS = ("stress", "virial", "virials")
SHOWN = 12  # names in a message


@dataclass(frozen=True)
class Keys:
    """Names of labels that the user gave; None: the usual one.

    Who names a key means it: the usual name is not looked at then, in no frame.
    """

    energy: str | None = None
    forces: str | None = None
    stress: str | None = None
    virial: str | None = None

    @property
    def named(self) -> dict[str, str]:
        """The names that were given, by the end of their flag (``energy`` of ``--energy-key``)."""
        return {label: key for label, key in vars(self).items() if key is not None}

    def of_frame(self, info: Mapping[str, Any]) -> Mapping[str, Any]:
        """What is said of a frame, with the labels under their usual names."""
        chosen = dict(info)
        if self.energy is not None:
            _move(chosen, info, self.energy, "energy", ("energy", "free_energy"))
        if self.stress is not None or self.virial is not None:
            for name in STRAIN_LABELS:
                chosen.pop(name, None)
        if self.stress is not None:
            _move(chosen, info, self.stress, "stress")
        if self.virial is not None:
            _move(chosen, info, self.virial, "virial")
        return chosen

    def of_atoms(self, per_atom: Mapping[str, Any]) -> Mapping[str, Any]:
        """Arrays with a row for each atom, with the forces under their usual name."""
        if self.forces is None:
            return per_atom
        chosen = dict(per_atom)
        _move(chosen, per_atom, self.forces, "forces", ("forces",))
        return chosen


def closest(key: str, names: list[str]) -> str:
    """Say which names there are, those that resemble a key first."""
    if not names:
        return "there are no other names"
    like = get_close_matches(key, names, n=SHOWN, cutoff=0.3)
    ordered = [*like, *(name for name in names if name not in like)]
    more = f" and {len(ordered) - SHOWN} more" if len(ordered) > SHOWN else ""
    return f"there are {', '.join(ordered[:SHOWN])}{more}"


def _move(chosen: dict[str, Any], source: Mapping[str, Any], key: str, name: str, usual: tuple[str, ...] = ()) -> None:
    for other in (*usual, key):
        chosen.pop(other, None)
    if source.get(key) is not None:
        chosen[name] = source[key]
