"""Another model of ours, kept inside the new one: cheap and wide below, dear and narrow on top."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self

from numpy.typing import NDArray
from pydantic import Field

from rfp_md.arrays import Floats
from rfp_md.artifact.container import parse
from rfp_md.artifact.file import made
from rfp_md.artifact.inner import STACKED, check_levels, packed, unpacked
from rfp_md.baselines import Baseline, Capabilities
from rfp_md.errors import UserError
from rfp_md.frames import Dataset, Frames
from rfp_md.plugins.arrays import Array, Surroundings
from rfp_md.plugins.guard import Geometric
from rfp_md.potential import Potential
from rfp_md.prediction import PerAtom, Prediction


class StackedPotential(Baseline):
    """E = what another model says, whose ``.rfp`` file is kept inside the new one.

    A model of many cheap labels below, and of the difference to a few dear ones on top; each may be stacked in turn.
    Its committee stays behind: the sum is as uncertain as the new model is.
    """

    name: ClassVar[str] = STACKED
    compatible_since: ClassVar[str | None] = "0.1.0"
    given: ClassVar[tuple[str, ...]] = ("file",)

    file: str = Field("", max_length=4000, description="the other model, a .rfp file, which is copied into the new one")

    @property
    def capabilities(self) -> Capabilities:
        """Those of the parts of the other model together."""
        if not self.file:
            return Capabilities(periodic=True)
        potential = self._potential
        parts: list[Geometric] = [*potential.baselines, *potential.descriptors]
        periodic = all(part.capabilities.periodic for part in parts)
        return Capabilities(periodic=periodic, fixed_composition=potential.fixed_composition)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The other model's file."""
        return (self.file,)

    def fit(self, dataset: Dataset) -> None:
        """Keep the file. Raises UserError where the other model has nothing to say about the training frames."""
        potential = self._potential
        if not potential.conservative or not potential.has_forces:
            what = "is a direct model" if not potential.conservative else "has no forces"
            raise UserError(f"{self._said} {what}; stack on a conservative model that has forces")
        for block in dataset:
            try:
                potential.check(block)
            except UserError as error:
                raise UserError(f"{self._said} is for other structures: {error}") from error
        self.state["file"] = packed(self._content)

    def arrays(self, model: Surroundings) -> dict[str, Array]:
        """The file as whole numbers."""
        return {"file": Array(("n",), "int")}

    def restore(self, state: dict[str, NDArray[Any]]) -> Self:
        """Take back the file, and make the model in it."""
        self.__dict__["_content"] = unpacked(state["file"])
        self.__dict__.pop("_potential", None)
        self._potential  # noqa: B018
        return super().restore(state)

    def compute(self, frames: Frames) -> Prediction:
        """E (M,), forces (M, N, 3) and virials (M, 3, 3). Raises UserError for structures that the model is not for."""
        return self._potential.compute(frames)

    def energies(self, frames: Frames) -> Floats:
        """E (M,). Raises UserError as ``compute``."""
        return self._potential.energies(frames)

    @property
    def has_atoms(self) -> bool:
        """Whether the other model is a sum over atoms."""
        return self._potential.has_atoms

    def per_atom(self, frames: Frames) -> PerAtom:
        """Energies and virials of the atoms. Raises UserError as ``compute``."""
        return self._potential.per_atom(frames)

    @property
    def _said(self) -> str:
        return f"baseline '{self.name}', {self.file}:"

    @cached_property
    def _content(self) -> bytes:
        path = Path(self.file)
        if not path.is_file():
            raise UserError(f"{self._said} no such file; train that model first")
        return path.read_bytes()

    @cached_property
    def _potential(self) -> Potential:
        header, arrays = parse(self._content, self.file)
        check_levels(header, arrays, self.file, levels=2)
        return made(header, arrays, self.file)
