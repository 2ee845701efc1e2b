"""What an MDI engine answers: the commands of the standard at the node @DEFAULT, for one structure after the other.

Units are bohr and hartree. ``<STRESS`` is, by the standard, a virial stress tensor of nine numbers, and no more is
said of it. LAMMPS, at both of its ends, takes the virial over the volume of the cell in hartree/bohr³, positive where
the cell wants to grow, which is the opposite sign of ASE's stress; so does this engine.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from ase.units import Bohr, Hartree

from rfp_md.arrays import Floats, Ints
from rfp_md.errors import UserError
from rfp_md.frames import Frames
from rfp_md.interfaces.boxed import BoxedModel
from rfp_md.potential import Potential

if TYPE_CHECKING:
    from rfp_md.interfaces.mdi.channel import Channel

NODE = "@DEFAULT"
MOST_ATOMS = 10_000_000


class MDIEngine:
    """A potential, and what the driver has said so far; in Å and eV.

    Args:
        template: one structure that says which atom is which, and where they are at first; None: the driver must.

    Attributes:
        evaluations: how often the model was evaluated; two questions about one structure are one evaluation.
    """

    def __init__(self, potential: Potential, template: Frames | None) -> None:
        self.evaluations = 0
        self._potential = potential
        self._numbers: Ints = np.empty(0, dtype=np.int64) if template is None else template.numbers
        self._n_atoms = len(self._numbers)
        self._positions: Floats | None = None if template is None else template.positions[0]
        self._cell: Floats | None = None if template is None or template.cells is None else template.cells[0]
        self._displacement = np.zeros(3)
        self._model: BoxedModel | None = None
        self._known: tuple[float, Floats, Floats] | None = None
        self.commands: dict[str, Callable[[Channel], None]] = {
            NODE: lambda channel: None,
            "<@": lambda channel: channel.send_text(NODE),
            ">NATOMS": self._take_count,
            ">ELEMENTS": self._take_elements,
            ">TYPES": self._take_types,
            ">CELL": self._take_cell,
            ">CELL_DISPL": self._take_displacement,
            ">COORDS": self._take_positions,
            "<NATOMS": lambda channel: channel.send_integers(self._n_atoms),
            "<ELEMENTS": lambda channel: channel.send_integers(self._numbers),
            "<CELL": lambda channel: channel.send(self._box() / Bohr),
            "<CELL_DISPL": lambda channel: channel.send(self._displacement / Bohr),
            "<COORDS": lambda channel: channel.send(self._atoms() / Bohr),
            "<ENERGY": lambda channel: channel.send(self._results()[0] / Hartree),
            "<PE": lambda channel: channel.send(self._results()[0] / Hartree),
            "<FORCES": lambda channel: channel.send(self._results()[1] * (Bohr / Hartree)),
            "<STRESS": self._send_stress,
        }

    def answer(self, command: str, channel: Channel) -> None:
        """Take what comes after a command, or send what it asks for.

        Raises:
            UserError: an unknown command, something that the driver has not said yet, or what the model refuses.
        """
        if command not in self.commands:
            raise UserError(f"the MDI driver sent '{command}'; this engine knows {', '.join(self.commands)} and EXIT")
        self.commands[command](channel)

    def _take_count(self, channel: Channel) -> None:
        (count,) = channel.receive_integers(1).tolist()
        if not 0 < count <= MOST_ATOMS:
            raise UserError(f"the MDI driver says that it has {count} atoms")
        if count != self._n_atoms:
            self._n_atoms, self._positions = count, None
            self._forget_atoms()

    def _take_elements(self, channel: Channel) -> None:
        self._numbers = channel.receive_integers(self._n_atoms)
        self._forget_atoms()

    def _take_types(self, channel: Channel) -> None:
        """The driver's own numbers for kinds of atoms, which say nothing new but must not contradict the template."""
        types = channel.receive_integers(self._n_atoms).tolist()
        elements: dict[int, int] = {}
        for kind, number in zip(types, self._elements().tolist(), strict=True):
            if elements.setdefault(kind, number) != number:
                raise UserError(
                    f"the MDI driver's atoms of type {kind} have several elements in the model's order of atoms; "
                    "give its atoms in that order, and let it send elements ('fix mdi/qm ... elements C H')"
                )

    def _take_cell(self, channel: Channel) -> None:
        cell = channel.receive(9).reshape(3, 3) * Bohr
        flat = abs(np.linalg.det(cell)) == 0  # how some drivers say that there is none
        if flat != (self._cell is None):
            self._forget_atoms()
        self._cell = None if flat else cell
        self._known = None

    def _take_displacement(self, channel: Channel) -> None:
        """Where the cell begins, which changes no energy."""
        self._displacement = channel.receive(3) * Bohr

    def _take_positions(self, channel: Channel) -> None:
        self._positions = channel.receive(3 * self._n_atoms).reshape(-1, 3) * Bohr
        self._known = None

    def _send_stress(self, channel: Channel) -> None:
        volume = abs(np.linalg.det(self._box()))
        channel.send(self._results()[2] / volume * (Bohr**3 / Hartree))

    def _forget_atoms(self) -> None:
        self._model = self._known = None

    def _elements(self) -> Ints:
        if len(self._numbers) != self._n_atoms:
            raise UserError(
                f"the MDI driver has {self._n_atoms} atoms, the model's template has {len(self._numbers)}, and nothing "
                "was said of elements; let the driver send them ('fix mdi/qm ... elements C H')"
            )
        return self._numbers

    def _atoms(self) -> Floats:
        if self._positions is None:
            raise UserError("the MDI driver asks before it has sent >COORDS")
        return self._positions

    def _box(self) -> Floats:
        if self._cell is None:
            raise UserError("the MDI driver asks for a stress or a cell, but has sent no >CELL")
        return self._cell

    def _results(self) -> tuple[float, Floats, Floats]:
        """Energy, forces and virial of the structure as it is."""
        if self._known is None:
            numbers, positions = self._elements(), self._atoms()
            cell = np.eye(3) if self._cell is None else self._cell
            if self._model is None:
                periodic = self._cell is not None
                self._model = BoxedModel(
                    self._potential, numbers, (periodic, periodic, periodic), positions, cell, "the MDI driver's atoms"
                )
            self._known = self._model(positions, cell)
            self.evaluations += 1
        return self._known
