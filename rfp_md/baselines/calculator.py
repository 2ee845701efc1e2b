"""Any ASE calculator, in training and in every call: a cheap method, of which the model learns what is missing."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Any, ClassVar, Self

import numpy as np
from ase import Atoms
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field

from rfp_md.arrays import Floats
from rfp_md.baselines.base import Baseline, Capabilities
from rfp_md.calculators.allowed import check_allowed
from rfp_md.calculators.as_potential import energy_of, everything_of
from rfp_md.calculators.by_path import level_of_theory, make_calculator
from rfp_md.errors import UserError
from rfp_md.frames import Dataset, Frames
from rfp_md.io.atoms import to_atoms
from rfp_md.plugins.arrays import Array, Surroundings
from rfp_md.prediction import Prediction

FLAGS = ("baseline 'calculator', of", "baseline 'calculator', argument")


def _several(value: Any) -> Any:
    """Arguments from a text such as method=GFN2-xTB;accuracy=0.1, as the command line writes them."""
    return tuple(filter(None, value.split(";"))) if isinstance(value, str) else value


class CalculatorBaseline(Baseline):
    """E = what an ASE calculator says, such as GFN2-xTB (``of=tblite.ase:TBLite,arguments=method=GFN2-xTB``).

    It is evaluated for every training frame, and in every call of the model, whose file has its import path and its
    arguments. So the calculator has to be installed wherever the model is used, from Python; and where it may execute
    more than a formula, the user of the file has to allow it (``rfp_md.calculators.allowed``).
    """

    name: ClassVar[str] = "calculator"
    compatible_since: ClassVar[str | None] = "0.1.0"
    given: ClassVar[tuple[str, ...]] = ("of",)
    capabilities: ClassVar[Capabilities] = Capabilities(periodic=True)

    of: str = Field("", max_length=200, description="the class, MODULE:CLASS, as in tblite.ase:TBLite")
    arguments: Annotated[tuple[str, ...], BeforeValidator(_several)] = Field(
        (), max_length=50, description="of the class, as in method=GFN2-xTB;accuracy=0.1"
    )

    def fit(self, dataset: Dataset) -> None:
        """Nothing is learned; but a calculator that is missing, or cannot be made, is found before the first frame."""
        self._calculator  # noqa: B018

    def arrays(self, model: Surroundings) -> dict[str, Array]:
        """None."""
        return {}

    def restore(self, state: dict[str, NDArray[Any]]) -> Self:
        """Make the calculator. Raises UserError where it is not installed, or nobody allowed a file to run it."""
        check_allowed(self.of, self.arguments)
        self._calculator  # noqa: B018
        return super().restore(state)

    def compute(self, frames: Frames) -> Prediction:
        """E (M,), forces (M, N, 3) and virials (M, 3, 3), one structure after another.

        Raises:
            UserError: the calculator raised, and at which frame, or it has no stress of a periodic structure.
        """
        parts = [self._of(frames, k, everything_of) for k in range(len(frames))]
        energies, forces, virials = (np.array(column) for column in zip(*parts, strict=True))
        if not np.isfinite(virials).all():
            raise UserError(f"{frames.source}: is periodic, but {self._said} has no stress; it is for free molecules")
        return Prediction(energies, forces, virials)

    def energies(self, frames: Frames) -> Floats:
        """E (M,), which most calculators are quicker with alone. Raises UserError as ``compute``."""
        return np.array([self._of(frames, k, energy_of) for k in range(len(frames))])

    def _of(self, frames: Frames, k: int, what: Any) -> Any:
        atoms: Atoms = to_atoms(frames, k)
        atoms.calc = self._calculator
        try:
            return what(atoms)
        except Exception as error:
            reason = " ".join(str(error).split())
            raise UserError(
                f"{frames.source}: {self._said} failed at {frames.name(k)} ({type(error).__name__}: {reason}); "
                "remove that frame, let --skip-failed do it, or give the calculator other arguments"
            ) from error

    @property
    def _said(self) -> str:
        return f"{FLAGS[0]} {level_of_theory(self.of, self.arguments)}"

    @cached_property
    def _calculator(self) -> Any:
        return make_calculator(self.of, self.arguments, FLAGS)
