"""What a baseline is: a part of the energy that is known beforehand, with its forces and virials."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from rfp_md.arrays import Floats
from rfp_md.frames import Dataset, Frames
from rfp_md.plugins.base import Kind, Plugin
from rfp_md.prediction import PerAtom, Prediction


@dataclass(frozen=True)
class Capabilities:
    """What a baseline declares about itself; the package relies on it and refuses early what is not declared.

    Attributes:
        periodic: it sees periodic images, and its virials are −dE/dstrain of the cell and the positions together.
    """

    periodic: bool = False


class Baseline(Plugin):
    """A part of the energy that is not learned: the regressor is fitted to what the baselines leave.

    A subclass writes ``compute``; it must take any structure of the training elements.
    """

    kind: ClassVar[Kind] = "baseline"

    @property
    @abstractmethod
    def capabilities(self) -> Capabilities:
        """What holds for these parameters; where it does not depend on them, a ClassVar of this name will do."""

    def fit(self, dataset: Dataset) -> None:
        """Learn from the training frames, less what the baselines before this one say: ``self.state["a"] = array``.

        Raise ``rfp_md.UserError`` with one sentence for frames that the baseline cannot be used for.
        """

    @abstractmethod
    def compute(self, frames: Frames) -> Prediction:
        """Energies (M,), eV, forces (M, N, 3), eV/Å, and virials −dE/dstrain (M, 3, 3), eV, of M structures."""

    def energies(self, frames: Frames) -> Floats:
        """Energies alone (M,), eV; to be written where they are cheaper than forces."""
        return self.compute(frames).energies

    @property
    def has_atoms(self) -> bool:
        """Whether it says what each atom has of the energy, in ``per_atom``."""
        return type(self).per_atom is not Baseline.per_atom

    def per_atom(self, frames: Frames) -> PerAtom:
        """Energies (M, N), eV, and virials (M, N, 3, 3), eV, of the atoms, where it is a sum over them."""
        raise NotImplementedError(f"{type(self).__name__} does not define per_atom")
