"""What labels weigh in the fit: as the file and ``--weight`` say, and energies by the size of their frames.

A weight multiplies the squared error of a label. Energies are extensive, and so are their errors: where sizes differ,
each is divided by its number of atoms N, in units of the mean N̄ of the training frames. So a set of one size is fitted
as it stands, and a force weight means the same for both; docs/accuracy.md has the table that decided it.

    w_energy = w_file w_kind (N̄/N)²,   w_forces = w_file w_kind,   w_stress = w_file w_kind
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite

import numpy as np

from rfp_md.arrays import Floats
from rfp_md.errors import UserError
from rfp_md.frames import Dataset, Frames

Weight = tuple[float, float, float]  # of energy, forces and stress


def parse_weights(flags: Sequence[str]) -> dict[str, Weight]:
    """The weights of energy, forces and stress by kind, of flags ``KIND=energy:force:stress``.

    Raises:
        UserError: what is not three numbers from 0 up, not all of them 0, or a kind that stands twice.
    """
    found: dict[str, Weight] = {}
    for flag in flags:
        kind, equals, rest = flag.rpartition("=")
        try:
            energy, forces, stress = (float(number) for number in rest.split(":"))
        except ValueError:
            equals = ""
        if not equals or not kind:
            raise UserError(f"--weight {flag}: is not KIND=energy:force:stress, as in Vacancy=10:1:1")
        if not all(isfinite(number) and number >= 0 for number in (energy, forces, stress)):
            raise UserError(f"--weight {flag}: weights are numbers from 0 up; 0 leaves a label out of the fit")
        if kind in found:
            raise UserError(f"--weight {flag}: kind '{kind}' stands twice")
        found[kind] = (energy, forces, stress)
    return found


@dataclass(frozen=True)
class Weighting:
    """The rule of the module's docstring.

    Attributes:
        by_kind: w_kind; 1 for kinds that are not among them.
        mean_atoms: N̄; None: energies count as they stand.
    """

    by_kind: Mapping[str, Weight]
    mean_atoms: float | None = None

    def of(self, dataset: Dataset) -> Dataset:
        """The frames with their weights; those of which all are 1 stay as they are."""
        return replace(dataset, blocks=tuple(self._weighed(block) for block in dataset))

    def _weighed(self, frames: Frames) -> Frames:
        weights = frames.known_weights * self._of_kinds(frames)
        if self.mean_atoms is not None:
            weights = weights * [(self.mean_atoms / frames.n_atoms) ** 2, 1.0, 1.0]
        return replace(frames, weights=None if (weights == 1.0).all() else weights)

    def _of_kinds(self, frames: Frames) -> Floats:
        if frames.kinds is None:
            return np.ones((len(frames), 3))
        return np.array([self.by_kind.get(kind, (1.0, 1.0, 1.0)) for kind in frames.kinds])


def mean_atoms(dataset: Dataset) -> float:
    """N̄, over frames with an energy. It is N itself where all have one size, and 1 where there are none."""
    sizes = [(len(block), block.n_atoms) for block in dataset if block.energies is not None]
    frames = sum(count for count, _ in sizes)
    return sum(count * size for count, size in sizes) / frames if frames else 1.0


def check_weights(dataset: Dataset, by_kind: Mapping[str, Weight]) -> None:
    """Raise UserError for a kind that no frame is of, and for weights that leave nothing to fit to."""
    kinds = {str(kind) for block in dataset if block.kinds is not None for kind in block.kinds if kind}
    if unknown := sorted(set(by_kind) - kinds):
        known = f"there are {', '.join(sorted(kinds))}" if kinds else "no frame has a config_type"
        raise UserError(f"--weight {unknown[0]}=…: no frame is of that kind; {known}")
    if not any(_counts(block) for block in Weighting(by_kind).of(dataset)):
        raise UserError(f"{dataset.sources}: all labels have weight 0, so there is nothing to fit to")


def _counts(frames: Frames) -> bool:
    """Whether any label weighs anything."""
    has = frames.energies is not None, bool(frames.known_forces.any()), frames.stresses is not None
    return bool((frames.known_weights[:, has] > 0).any())
