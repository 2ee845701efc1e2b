"""One frame of a file, as it stands there: its atoms, and which of what is written beside them are labels."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rfp_md.arrays import Floats, Ints
from rfp_md.errors import UserError
from rfp_md.io.keys import Keys

Pbc = tuple[bool, bool, bool]

HEAVIEST = 118
TRUTH = {"T": True, "True": True, "1": True, "F": False, "False": False, "0": False}
WEIGHTS = ("energy_weight", "forces_weight", "stress_weight")
READ = {"energy", "free_energy", "forces", "stress", "virial", "virials"}

# Under which names other programs write the labels, and what only sounds like them.
SOUNDS_LIKE = {
    "energies": re.compile(r"energ|toten|^e$|^e_?tot$", re.IGNORECASE),
    "forces": re.compile(r"forc|grad|^f$", re.IGNORECASE),
    "stresses": re.compile(r"stress|virial", re.IGNORECASE),
}
NO_LABEL = re.compile(
    r"unit|weight|kinetic|atomic|per_atom|energies|stresses|error|std|sigma|uncert|mean|max|rms|norm|shift|cutoff",
    re.IGNORECASE,
)
UNIT_KEY = re.compile(r"(energy|energies|e|forces?|f|length|positions?|r|stress|virials?)[_-]units?", re.IGNORECASE)
QUANTITY = {"en": "energy", "e": "energy", "vi": "energy", "f": "force", "fo": "force", "st": "stress"}
IONS = ("initial_charges", "initial_magmoms")  # what ASE's calculators know of an ion
VOIGT = [[0, 5, 4], [5, 1, 3], [4, 3, 2]]  # xx yy zz yz xz xy, ASE's order
USUAL = Keys()
KIND_LENGTH = 60  # characters of a config_type that are kept


@dataclass(frozen=True, eq=False)
class Image:
    """One frame; numbers are in the units of the file.

    Attributes:
        cell: zeros where there is none.
        energy: the free energy, where there is one: the forces are its gradient.
        free: whether there is one.
        smearing: what that differs by from the energy beside it.
        stress, virial: (3, 3), not more than one of them.
        names: of everything that the file says of the frame and its atoms.
        force_mask: which atoms' forces are known (N,); None: all.
        weights: of the energy, the forces and the stress (3,); None: all are 1.
        stated: unit of each quantity (energy, force, length, stress) whose unit the frame states.
        kind: its ``config_type``.
        unread: as in ``Frames``.
    """

    numbers: Ints
    positions: Floats
    cell: Floats
    pbc: Pbc
    energy: float | None = None
    free: bool = False
    smearing: float = 0.0
    forces: Floats | None = None
    stress: Floats | None = None
    virial: Floats | None = None
    stated: Mapping[str, str] = field(default_factory=dict)
    step: int | None = None
    kind: str | None = None
    unread: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    force_mask: NDArray[np.bool_] | None = None
    weights: Floats | None = None
    names: tuple[str, ...] = ()


def make_image(
    where: str,
    numbers: Ints,
    positions: Floats,
    cell: Floats,
    pbc: Pbc,
    info: Mapping[str, Any],
    per_atom: Mapping[str, Any],
    *,
    stresses: bool = True,
    keys: Keys = USUAL,
) -> Image:
    """Choose the labels of a frame from what the file says of it.

    Args:
        where: the file and the frame, for messages.
        info: what is said of the frame; numbers may be text.
        per_atom: arrays with a row for each atom.
        stresses: whether stress and virial are looked at.
        keys: under which names the labels are.

    Raises:
        UserError: no atoms, what is no element, a label that is not of its shape, or stress and virial at once that
            differ.
    """
    if not len(numbers):
        raise UserError(f"{where}: has no atoms; remove it")
    if wrong := [int(z) for z in numbers if not 1 <= z <= HEAVIEST]:
        raise UserError(f"{where}: {wrong[0]} is no element; atomic numbers are 1 to {HEAVIEST}")
    names = _one_tuple((*info, *per_atom))
    info, per_atom = keys.of_frame(info), keys.of_atoms(per_atom)
    plain, free = _scalar(where, info, "energy"), _scalar(where, info, "free_energy")
    stress, virial = (None, None) if not (stresses and any(pbc)) else _strain_labels(where, info)
    return Image(
        numbers=numbers,
        positions=positions,
        cell=cell,
        pbc=pbc,
        energy=plain if free is None else free,
        free=free is not None,
        smearing=0.0 if free is None or plain is None else abs(free - plain),
        forces=_forces(where, per_atom, len(numbers)),
        stress=stress,
        virial=virial,
        stated=stated_units(where, info),
        step=_step(info),
        kind=_kind(info),
        unread=_unread(info, per_atom, len(numbers), keys, stresses=stresses and any(pbc)),
        force_mask=_force_mask(where, per_atom, len(numbers)),
        weights=_weights(where, info),
        names=names,
    )


@lru_cache(maxsize=1000)
def _one_tuple(names: tuple[str, ...]) -> tuple[str, ...]:
    """The same names as one object, for the frames of a file have the same."""
    return names


def stated_units(where: str, info: Mapping[str, Any]) -> dict[str, str]:
    """Find the units that are stated, as in ``energy_unit=kcal/mol`` or an npz file's ``r_unit``.

    Raises:
        UserError: a unit that is no text, or two for one quantity.
    """
    stated: dict[str, str] = {}
    for key, value in info.items():
        if not UNIT_KEY.fullmatch(key):
            continue
        start = re.split("[_-]", key.lower())[0]
        quantity = QUANTITY.get(start if start in QUANTITY else start[:2], "length")
        if not isinstance(value, str) or not value:
            raise UserError(f"{where}: {key} must be the name of a unit, not {value!r:.60}")
        if stated.setdefault(quantity, value) != value:
            raise UserError(f"{where}: states two units of {quantity}, {stated[quantity]} and {value}; remove one")
    return stated


def numbers_of(value: Any) -> Floats | None:
    """Read a value as real numbers (any shape); None of what is none. Text may be words of numbers, or ASE's JSON."""
    try:
        if isinstance(value, str):
            value = json.loads(value[6:]) if value.startswith("_JSON ") else re.findall(r"[^\s,\[\]]+", value)
        array = np.asarray(value)
        if array.dtype.kind == "b" or array.dtype.kind not in "iufU":
            return None
        return array.astype(np.float64)
    except (ValueError, TypeError, RecursionError):
        return None


def _scalar(where: str, info: Mapping[str, Any], key: str) -> float | None:
    if info.get(key) is None:
        return None
    numbers = numbers_of(info[key])
    if numbers is None or numbers.size != 1:
        raise UserError(f"{where}: {key} must be one number, not {info[key]!r:.60}")
    return float(numbers.ravel()[0])


def _forces(where: str, per_atom: Mapping[str, Any], atoms: int) -> Floats | None:
    if per_atom.get("forces") is None:
        return None
    forces = numbers_of(per_atom["forces"])
    if forces is None or forces.shape != (atoms, 3):
        raise UserError(f"{where}: forces must be three numbers for each of its {atoms} atoms")
    return forces


def _force_mask(where: str, per_atom: Mapping[str, Any], atoms: int) -> NDArray[np.bool_] | None:
    """The column ``forces_mask`` (extxyz: ``forces_mask:L:1``), true where an atom's force is known."""
    if per_atom.get("forces_mask") is None:
        return None
    mask = [TRUTH.get(str(value)) for value in per_atom["forces_mask"]]
    if None in mask or len(mask) != atoms:
        raise UserError(f"{where}: forces_mask must be T or F for each of its {atoms} atoms")
    return np.array(mask, dtype=bool)


def _weights(where: str, info: Mapping[str, Any]) -> Floats | None:
    """What ``energy_weight``, ``forces_weight`` and ``stress_weight`` say."""
    if not any(key in info for key in WEIGHTS):
        return None
    weights = [_scalar(where, info, key) for key in WEIGHTS]
    for key, weight in zip(WEIGHTS, weights, strict=True):
        if weight is not None and not 0 <= weight < np.inf:
            raise UserError(f"{where}: {key}={weight:g}: weights are numbers from 0 up; 0 leaves a label out of a fit")
    return np.array([1.0 if weight is None else weight for weight in weights])


def _strain_labels(where: str, info: Mapping[str, Any]) -> tuple[Floats | None, Floats | None]:
    """Stress and virial; where there are both, ``blocks`` compares them."""
    tensors = {key: _tensor(where, info[key], key) for key in ("stress", "virial", "virials") if key in info}
    return tensors.get("stress"), tensors.get("virial", tensors.get("virials"))


def _tensor(where: str, value: Any, key: str) -> Floats:
    """A symmetric (3, 3) of nine numbers, or of six in ASE's order."""
    numbers = numbers_of(value)
    if numbers is None or numbers.size not in (6, 9):
        raise UserError(
            f"{where}: {key} must be nine numbers, or the six xx yy zz yz xz xy; --no-stress leaves stresses out"
        )
    return numbers.ravel()[VOIGT] if numbers.size == 6 else numbers.reshape(3, 3)


def _step(info: Mapping[str, Any]) -> int | None:
    text = str(info.get("step", ""))
    return int(text) if re.fullmatch(r"-?\d{1,18}", text) else None


def _kind(info: Mapping[str, Any]) -> str | None:
    kind = info.get("config_type")
    # What quotes and lines are made of would not survive being written.
    return None if kind is None else re.sub(r"[\s\"\\\x00-\x1f]+", " ", str(kind)).strip()[:KIND_LENGTH] or None


def _unread(
    info: Mapping[str, Any], per_atom: Mapping[str, Any], atoms: int, keys: Keys, *, stresses: bool
) -> dict[str, tuple[str, ...]]:
    """What sounds like a label and has its shape, but not its name; of labels whose name was given, nothing else is."""

    def found(label: str, sizes: tuple[int, ...], source: Mapping[str, Any]) -> tuple[str, ...]:
        names = [key for key in source if SOUNDS_LIKE[label].search(key) and not NO_LABEL.search(key)]
        sized = [(name, numbers_of(source[name])) for name in names if name not in READ]
        return tuple(name for name, numbers in sized if numbers is not None and numbers.size in sizes)

    strains = stresses and keys.stress is None and keys.virial is None
    all_found = {
        "energies": found("energies", (1,), info) if keys.energy is None else (),
        "forces": found("forces", (3 * atoms,), per_atom) if keys.forces is None else (),
        "stresses": found("stresses", (6, 9), info) if strains else (),
    }
    ions = tuple(name for name in IONS if np.any(per_atom.get(name, 0)))
    return {label: names for label, names in (all_found | {"ions": ions}).items() if names}
