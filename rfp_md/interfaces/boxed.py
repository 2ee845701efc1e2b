"""One structure after the other from a program that has a box, which the model may see or not."""

from __future__ import annotations

from rfp_md.arrays import Floats, Ints
from rfp_md.errors import UserError
from rfp_md.frames import Frames
from rfp_md.potential import Potential
from rfp_md.structures.atom_order import check_unlabelled_order
from rfp_md.structures.cells import check_geometry
from rfp_md.structures.unwrapping import Unwrapper


class BoxedModel:
    """A potential for atoms in a box.

    A model that sees periodic images gets the box. For any other the atoms are one free molecule, which is put
    together again where the box has wrapped it.

    Args:
        numbers: atomic numbers (N,).
        periodic: in which directions the box repeats itself.
        positions: of the atoms now (N, 3), Å.
        cell: rows (3, 3), Å.
        source: what the atoms are called in messages.

    Raises:
        UserError: a model that depends on where a molecule is, a box that is too small for a free one, or atoms that
            are not the model's in its order, by their elements or by their bonds.
    """

    def __init__(
        self,
        potential: Potential,
        numbers: Ints,
        periodic: tuple[bool, bool, bool],
        positions: Floats,
        cell: Floats,
        source: str,
    ) -> None:
        self._potential, self._numbers, self._periodic, self._source = potential, numbers, periodic, source
        check_geometry(
            Frames(numbers, positions[None], cells=cell[None] if any(periodic) else None, pbc=periodic, source=source)
        )
        sees_images = all(d.capabilities.periodic for d in potential.descriptors)
        self._in_box = sees_images and any(periodic)
        self._unwrap: Unwrapper | None = None
        if any(periodic) and not sees_images:
            for descriptor in potential.descriptors:
                if not descriptor.capabilities.translation_invariant:
                    raise UserError(
                        f"descriptor '{descriptor.name}' depends on where the molecule is, but a periodic box moves "
                        "it; run without periodic boundaries"
                    )
            self._unwrap = Unwrapper(positions, cell, periodic)
        if potential.fixed_composition and not potential.reference.periodic:
            first = self._frames(positions, cell)
            potential.check(first)
            check_unlabelled_order(potential.reference, first.positions[0], f"the first structure of {source}")

    def __call__(self, positions: Floats, cell: Floats) -> tuple[float, Floats, Floats]:
        """Energy (eV), forces (N, 3) (eV/Å) and virial (3, 3) (eV) at positions (N, 3) in a cell (3, 3), Å.

        Raises:
            UserError: a structure that the model refuses, or a result that is not finite.
        """
        prediction = self._potential.compute(self._frames(positions, cell))
        if not prediction.finite:
            raise UserError("the model gave a result that is not finite, which goes no further")
        return float(prediction.energies[0]), prediction.forces[0], prediction.virials[0]

    def per_atom(self, positions: Floats, cell: Floats) -> tuple[Floats, Floats]:
        """Energies (N,) and virials (N, 3, 3) of atoms, eV. Raises UserError where the model is no sum over them."""
        parts = self._potential.per_atom(self._frames(positions, cell))
        return parts.energies[0], parts.virials[0]

    def _frames(self, positions: Floats, cell: Floats) -> Frames:
        if self._in_box:
            return Frames(self._numbers, positions[None], cells=cell[None], pbc=self._periodic, source=self._source)
        if self._unwrap is not None:
            positions = self._unwrap(positions, cell)
        return Frames(self._numbers, positions[None], source=self._source)
