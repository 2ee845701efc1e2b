"""Reference energies of the elements."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from math import isfinite
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from rfp_md.arrays import Floats, Ints
from rfp_md.baselines.base import Baseline, Capabilities
from rfp_md.errors import UserError
from rfp_md.frames import Dataset, Frames, formula
from rfp_md.plugins.arrays import Array, Surroundings
from rfp_md.prediction import PerAtom, Prediction


class Elements(Baseline):
    """E = Σ_i e(Z_i): one energy for each element, given, or by least squares of the training energies.

    It has no forces. Of one composition only the mean energy is determined; the smallest e that give it are taken, and
    zero for elements that no frame with an energy has. Elements whose e is not given are fitted to what those leave.
    """

    name: ClassVar[str] = "elements"
    compatible_since: ClassVar[str | None] = "0.1.0"
    capabilities: ClassVar[Capabilities] = Capabilities(periodic=True)

    atoms: str = Field(
        default="", description="energies of atoms, eV, as in H=-13.6/O=-432.1; the others by least squares"
    )

    @field_validator("atoms")
    @classmethod
    def _are_energies(cls, atoms: str) -> str:
        atom_energies(atoms.split("/") if atoms else [])
        return atoms

    def fit(self, dataset: Dataset) -> None:
        """Find e by least squares of the energies on the numbers of atoms; one composition gives their mean only."""
        elements = sorted({int(z) for block in dataset for z in block.numbers})
        given = atom_energies(self.atoms.split("/") if self.atoms else [])
        if foreign := sorted(set(given) - set(elements)):
            raise UserError(f"{dataset.sources}: no frame has {formula(foreign)}, whose energy is given; leave it out")
        known = [(block, block.energies) for block in dataset if block.energies is not None]
        counts = [np.tile(_counts(block.numbers, elements), (len(block), 1)) for block, _ in known]
        self.state["elements"] = np.array(elements, dtype=np.int64)
        self.state["energies"] = np.zeros(len(elements))
        fixed = np.array([given.get(z, 0.0) for z in elements])
        free = np.array([z not in given for z in elements])
        if known:
            numbers = np.concatenate(counts)
            left = np.concatenate([energies for _, energies in known]) - numbers @ fixed
            fixed[free] = np.linalg.lstsq(numbers[:, free], left, rcond=None)[0]
        self.state["energies"] = fixed
        self.__dict__.pop("_energy_of", None)

    def arrays(self, model: Surroundings) -> dict[str, Array]:
        """The elements, ascending, and an energy of each, eV."""
        return {
            "elements": Array(("E",), "int", least=1, most=118, ascending=True),
            "energies": Array(("E",)),
        }

    def restore(self, state: dict[str, NDArray[Any]]) -> Self:
        """Take back e of each element."""
        self.__dict__.pop("_energy_of", None)
        return super().restore(state)

    def compute(self, frames: Frames) -> Prediction:
        """E (M,), eV, with zero forces (M, N, 3) and zero virials (M, 3, 3)."""
        return Prediction(self.energies(frames), np.zeros(frames.positions.shape), np.zeros((len(frames), 3, 3)))

    def energies(self, frames: Frames) -> Floats:
        """Σ_i e(Z_i), the same for all M structures (M,), eV. Raises UserError for an element without an e."""
        return np.full(len(frames), float(sum(self._of_atoms(frames))))

    def per_atom(self, frames: Frames) -> PerAtom:
        """e(Z_i) of each atom (M, N), eV, with zero virials."""
        shape = frames.positions.shape[:2]
        return PerAtom(np.tile(self._of_atoms(frames), (len(frames), 1)), np.zeros((*shape, 3, 3)))

    def _of_atoms(self, frames: Frames) -> list[float]:
        """e(Z_i) of each atom, eV. Raises UserError for an element without an e."""
        known = self._energy_of
        try:
            return [known[z] for z in frames.numbers.tolist()]
        except KeyError:
            unknown = sorted(set(frames.numbers.tolist()) - set(known))
            raise UserError(
                f"{frames.source}: has {formula(unknown)}, but baseline '{self.name}' was fitted to "
                f"{formula(list(known))} only"
            ) from None

    @cached_property
    def _energy_of(self) -> dict[int, float]:
        """The energy of each element, eV, as a force call, where microseconds count, finds it soonest."""
        return dict(zip(self.state["elements"].tolist(), self.state["energies"].tolist(), strict=True))


def atom_energies(items: Sequence[str]) -> dict[int, float]:
    """Energies by atomic number, of items SYMBOL=ENERGY. Raises ValueError for what is none, or stands twice."""
    from ase.data import atomic_numbers

    found: dict[int, float] = {}
    for item in items:
        symbol, equals, energy = item.partition("=")
        number = atomic_numbers.get(symbol.strip(), 0)
        if not equals or number == 0:
            raise ValueError(f"{item!r:.40} is not SYMBOL=ENERGY, as in H=-13.6")
        if number in found:
            raise ValueError(f"{symbol} stands twice")
        found[number] = float(energy)
        if not isfinite(found[number]):
            raise ValueError(f"{item} is no energy")
    return found


def _counts(numbers: Ints, elements: list[int]) -> Floats:
    return np.array([np.count_nonzero(numbers == z) for z in elements], dtype=np.float64)
