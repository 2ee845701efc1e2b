"""What a LAMMPS instance knows: its atoms in the order of their ids, its box, its memory."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np

from rfp_md.arrays import Floats, Ints
from rfp_md.errors import UserError

LIKELY, UNLIKELY = 0.1, 0.02  # u, how far from an element's mass; some are written as 1 or 12, some as 35.5


def read_ids(lmp: Any) -> Ints:
    """Read the id of each of LAMMPS's atoms (N,). Raises UserError where they are not 1 to N."""
    n_atoms = lmp.extract_setting("nlocal")
    if n_atoms == 0:
        raise UserError("LAMMPS has no atoms yet; read or create them before the model is attached")
    ids: Ints = np.array(lmp.numpy.extract_atom("id")[:n_atoms], dtype=np.int64)
    if not np.array_equal(np.sort(ids), np.arange(1, n_atoms + 1)):
        raise UserError(
            f"LAMMPS's {n_atoms} atoms have ids other than 1 to {n_atoms}; 'reset_atoms id' numbers them anew"
        )
    return ids


def read_positions(lmp: Any) -> Floats:
    """Read positions in the order of the ids (N, 3), as they are wrapped."""
    ids = read_ids(lmp)
    positions = np.empty((len(ids), 3))
    positions[ids - 1] = lmp.numpy.extract_atom("x")[: len(ids)]
    return positions


def read_numbers(lmp: Any, types: Sequence[str], known: Sequence[int]) -> Ints:
    """Work out atomic numbers in the order of the ids (N,).

    Args:
        types: elements of LAMMPS's types 1, 2, ...
        known: the model's elements.

    Raises:
        UserError: not an element for each type, or masses that are those of other elements.
    """
    from ase.data import atomic_numbers

    if unknown := [name for name in types if name not in atomic_numbers]:
        raise UserError(f"'{unknown[0]}' is no element; write the element of each LAMMPS type, as in C,H")
    n_types = lmp.extract_setting("ntypes")
    if len(types) != n_types:
        raise UserError(f"LAMMPS has {n_types} types of atoms, but {','.join(types)} names {len(types)}")
    of_type = np.array([atomic_numbers[name] for name in types])
    masses = lmp.numpy.extract_atom("mass")  # None where each atom has its own
    if masses is not None:
        _check_masses(masses[1 : n_types + 1].ravel(), types, {*of_type.tolist(), *known})
    ids = read_ids(lmp)
    numbers = np.empty(len(ids), dtype=np.int64)
    numbers[ids - 1] = of_type[lmp.numpy.extract_atom("type")[: len(ids)] - 1]
    return numbers


def _check_masses(masses: Floats, types: Sequence[str], likely: set[int]) -> None:
    """Raise UserError where masses, one for each type, are those of other elements.

    They say so if every one of them is that of some element. Otherwise somebody has chosen them (heavy hydrogen, masses
    that are moved from atoms to their hydrogens), and they are left alone.

    Args:
        likely: elements that are named or that the model knows; of any other one, a mass must be nearer.
    """
    from ase.data import atomic_masses, chemical_symbols

    of_mass = []
    for mass in masses:
        off = np.abs(atomic_masses[1:] - mass)
        limits = np.array([LIKELY if z in likely else UNLIKELY for z in range(1, len(atomic_masses))])
        fits = np.flatnonzero(off <= limits) + 1
        if len(fits) == 0:
            return
        of_mass.append(chemical_symbols[fits[np.argmin(off[fits - 1])]])
    for k, (found, name, mass) in enumerate(zip(of_mass, types, masses, strict=True), start=1):
        if found != name:
            raise UserError(
                f"LAMMPS's type {k} has the mass {mass:g}, which is that of {found}, but is named {name}; by "
                f"the masses, the types are {','.join(of_mass)}"
            )


def read_step(lmp: Any, name: bytes) -> ctypes.c_int64:
    """Find where LAMMPS keeps the last step in which something was asked for."""
    find = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p)(("lammps_extract_global", lmp.lib))
    return ctypes.c_int64.from_address(find(lmp.lmp, name))


class Box:
    """LAMMPS's box as it is at each moment: its numbers are read where LAMMPS keeps them."""

    def __init__(self, lmp: Any) -> None:
        find = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p)(("lammps_extract_global", lmp.lib))
        reals = {b"boxlo": 3, b"boxhi": 3, b"xy": 1, b"xz": 1, b"yz": 1}
        self._numbers = [(ctypes.c_double * n).from_address(find(lmp.lmp, name)) for name, n in reals.items()]
        self._periodic = (ctypes.c_int * 3).from_address(find(lmp.lmp, b"periodicity"))
        self._known: list[float] = []
        self._cell = np.eye(3)

    @property
    def periodic(self) -> tuple[bool, bool, bool]:
        """The three directions, and whether the box repeats itself in each."""
        x, y, z = (bool(flag) for flag in self._periodic)
        return x, y, z

    @property
    def cell(self) -> Floats:
        """The lattice vectors as rows (3, 3), Å; the same array as long as the box does not change."""
        known = [number for numbers in self._numbers for number in numbers]
        if known != self._known:
            self._known = known
            xl, yl, zl, xh, yh, zh, xy, xz, yz = known
            self._cell = np.array([[xh - xl, 0.0, 0.0], [xy, yh - yl, 0.0], [xz, yz, zh - zl]])
        return self._cell


class ArrayView:
    """A numpy view of one of LAMMPS's arrays, made anew only where LAMMPS has moved it."""

    def __init__(self, kind: Any, shape: tuple[int, ...]) -> None:
        self._kind, self._shape = kind * int(np.prod(shape)), shape
        self._address = 0
        self._array: Any = None

    def __call__(self, address: int) -> Any:
        """View the array at an address; what it gives counts until LAMMPS moves the array."""
        if address != self._address:
            self._array = np.ctypeslib.as_array(self._kind.from_address(address)).reshape(self._shape)
            self._address = address
        return self._array
