"""What a LAMMPS instance knows: its atoms in the order of their ids, its box, its memory."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np

from rfp_md.arrays import Floats, Ints
from rfp_md.errors import UserError

MASS_TOLERANCE = 0.1  # u


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


def read_numbers(lmp: Any, types: Sequence[str]) -> Ints:
    """Work out atomic numbers in the order of the ids (N,).

    Args:
        types: elements of LAMMPS's types 1, 2, ...

    Raises:
        UserError: not an element for each type, or masses that say another order of the elements.
    """
    from ase.data import atomic_masses, atomic_numbers

    if unknown := [name for name in types if name not in atomic_numbers]:
        raise UserError(f"'{unknown[0]}' is no element; write the element of each LAMMPS type, as in C,H")
    n_types = lmp.extract_setting("ntypes")
    if len(types) != n_types:
        raise UserError(f"LAMMPS has {n_types} types of atoms, but {','.join(types)} names {len(types)}")
    of_type = np.array([atomic_numbers[name] for name in types])
    masses = lmp.numpy.extract_atom("mass")  # None where each atom has its own
    if masses is not None and _permuted(masses[1 : n_types + 1], atomic_masses[of_type]):
        listed = ", ".join(f"{mass:g}" for mass in masses[1 : n_types + 1])
        raise UserError(
            f"LAMMPS's types have the masses {listed}, which are those of {','.join(types)} in another order"
        )
    ids = read_ids(lmp)
    numbers = np.empty(len(ids), dtype=np.int64)
    numbers[ids - 1] = of_type[lmp.numpy.extract_atom("type")[: len(ids)] - 1]
    return numbers


def _permuted(masses: Floats, expected: Floats) -> bool:
    """Whether they are the expected ones in another order; heavy hydrogen and the like are left alone."""
    same, same_sorted = (
        np.allclose(a, b, rtol=0, atol=MASS_TOLERANCE)
        for a, b in ((masses, expected), (np.sort(masses), np.sort(expected)))
    )
    return same_sorted and not same


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
