"""From the server's units to the model's and back; what is not finite goes no further."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from ase.units import Bohr, Hartree

from rfp_md.arrays import Floats
from rfp_md.driver.protocol import Results, Structures, check_atoms
from rfp_md.driver.wrapping import ServersCell
from rfp_md.errors import UserError
from rfp_md.frames import Frames
from rfp_md.potential import Potential
from rfp_md.prediction import Committee, Prediction
from rfp_md.structures.atom_order import check_unlabelled_order
from rfp_md.structures.cells import check_geometry

SOURCE = "the server's structure"
Evaluate = Callable[[Frames], Prediction]


class Evaluator:
    """A potential that answers a server: structures in its units, and results that are finite.

    Args:
        template: one structure that says which atom is which, and whether it is periodic.
        evaluate: gives the prediction for frames; the potential's ``compute``.
    """

    def __init__(
        self,
        template: Frames,
        evaluate: Evaluate,
        *,
        reference: Frames | None = None,
        committee: Callable[[Frames], Committee] | None = None,
        may_move: bool = True,
    ) -> None:
        """Start.

        Args:
            reference: a free molecule of which the first structure must have the bonds; None: nothing is known.
            committee: gives the members' predictions, where they are wanted; the potential's ``committee``.
            may_move: whether the model gives the same for a molecule that is somewhere else.
        """
        self._template, self._evaluate, self._reference = template, evaluate, reference
        self._committee = committee
        self._free = None if template.periodic else ServersCell(template, may_move=may_move)

    @classmethod
    def of(cls, potential: Potential, template: Frames, *, committee: bool = False) -> Evaluator:
        """Make that of a potential, with its committee or not; a free molecule's bonds are those of the template."""
        reference = None if template.periodic else template
        return cls(
            template,
            potential.compute,
            reference=reference,
            committee=potential.committee if committee else None,
            may_move=all(d.capabilities.translation_invariant for d in potential.descriptors),
        )

    def frames(self, structures: Structures) -> Frames:
        """Convert the server's structures to Frames, Å.

        Raises:
            UserError: another number of atoms, numbers that are not finite, a cell without a volume for a periodic
                model, a first structure whose atoms stand in another order or do not fit into their cell, or a free
                molecule that was wrapped so that it cannot be made whole.
        """
        template = self._template
        check_atoms(structures.positions.shape[1], template.n_atoms)
        sent, positions = structures.cells * Bohr, structures.positions * Bohr
        cells = None
        if self._free is None:
            cells = sent
        else:
            positions = self._free.whole(sent, positions)
        try:
            frames = Frames(template.numbers, positions, cells=cells, pbc=template.pbc, source=SOURCE)
        except UserError as error:  # the shapes are right, so a number is not finite
            raise UserError(
                "the server sent a position or a cell that is not finite, so its run has blown up; "
                "start again from an earlier structure with a smaller time step"
            ) from error
        if cells is not None and not np.linalg.det(cells).all():
            raise UserError(
                "the server's cell has no volume, but this model is periodic; give a cell in <initialize> of the input"
            )
        check_geometry(frames)
        if self._reference is not None:
            check_unlabelled_order(self._reference, positions[0])
            _check_cell(sent[0], positions[0])
            self._reference = None  # later structures follow from the first; bonds may break then
        return frames

    def __call__(self, frames: Frames) -> Prediction:
        """Energies, forces, virials. Raises UserError where they are not finite: i-PI would take NaN without a word."""
        return _checked(self._evaluate(frames))

    def evaluate(self, frames: Frames) -> tuple[Prediction, Committee | None]:
        """Predict, and where it is wanted give the committee too, whose mean is the prediction then."""
        if self._committee is None:
            return self(frames), None
        committee = self._committee(frames)
        return _checked(committee.mean), committee


def _checked(prediction: Prediction) -> Prediction:
    if not prediction.finite:
        raise UserError("the model gave a result that is not finite; nothing was sent to the server")
    return prediction


def _check_cell(cell: Floats, positions: Floats) -> None:
    """Raise UserError where a molecule, which the model sees as free, does not fit into the server's cell."""
    if np.linalg.det(cell) != 0 and (np.ptp(positions @ np.linalg.inv(cell), axis=0) > 1).any():
        raise UserError(
            "the server's cell is smaller than the molecule, and this model does not see periodic images; "
            "give a larger cell in <initialize> of the i-PI input"
        )


def atomic_units(prediction: Prediction, extras: list[str]) -> Results:
    """Convert a prediction to what the server wants, hartree and bohr."""
    return Results(
        prediction.energies / Hartree, prediction.forces * (Bohr / Hartree), prediction.virials / Hartree, extras
    )
