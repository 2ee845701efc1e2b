"""How close atoms came in the training, by elements, and structures whose atoms are far closer than that.

Inside the shortest distance that a model was fitted to, it says what the fit happens to say: a smooth number, often
a small one, where the truth is a wall of hundreds of eV. Two rules, relative to the shortest training distance of the
pair's elements: below a third there is nothing to be said, and the structure is refused; below two thirds it is
warned of, once. Thermal motion and shocks stay above 0.8 (a pair that is compressed to 0.7 costs several eV). For
elements that were never within ``REACH`` of each other, three quarters of the sum of their covalent radii stands for
the shortest distance, so that the warning comes at ``covalent.COLLISION``.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from ase.data import chemical_symbols
from numpy.typing import NDArray

from rfp_md.arrays import Floats, Ints
from rfp_md.compiled import compiled
from rfp_md.errors import GeometryError
from rfp_md.frames import Dataset, Frames
from rfp_md.structures.cells import FARTHEST, FLATTEST, check_geometry, completed
from rfp_md.structures.covalent import covalent_radii
from rfp_md.structures.minimum_image import Directions, rounded_image
from rfp_md.structures.neighbours import name_pair, neighbours

OVERLAP = 0.3  # Å; less than half of the shortest bond, 0.74 Å in H₂
REFUSED, WARNED = 1 / 3, 2 / 3  # of the shortest training distance, below
REACH = 4.0  # Å; to where shortest distances are looked for
NEVER_SEEN = 0.75  # of the sum of the covalent radii
BATCH_ATOMS = 10_000  # looked at together
ELEMENTS = 119  # atomic numbers below
FEW_ATOMS = 300  # whose pairs are all looked at; of more, cell lists are faster
_NO_CELL = np.zeros((1, 3, 3))


@dataclass(frozen=True, eq=False)
class ShortestDistances:
    """The shortest distance of each pair of elements over the training frames, periodic images included.

    Attributes:
        pairs: atomic numbers, the smaller one first (P, 2); those that came closer than 4 Å.
        distances: Å (P,).
    """

    pairs: Ints = field(default_factory=lambda: np.zeros((0, 2), dtype=np.int64))
    distances: Floats = field(default_factory=lambda: np.zeros(0))

    @classmethod
    def of(cls, dataset: Dataset) -> ShortestDistances:
        """Find those of all frames. Raises GeometryError for atoms closer than 0.3 Å, and as ``check_geometry``."""
        table = np.full((ELEMENTS, ELEMENTS), np.inf)
        for block in dataset:
            check_geometry(block)
            size = max(1, BATCH_ATOMS // block.n_atoms)
            for start in range(0, len(block), size):
                _look(block[start : start + size], table)
        pairs = np.argwhere(np.triu(np.isfinite(table))).astype(np.int64)
        return cls(pairs, table[pairs[:, 0], pairs[:, 1]])

    @property
    def state(self) -> dict[str, NDArray[Any]]:
        """The arrays that the model's file keeps; none where nothing is known."""
        return {"pairs": self.pairs, "distances": self.distances} if len(self.pairs) else {}

    def check(self, frames: Frames) -> None:
        """Refuse structures with atoms that (nearly) overlap, and warn once of pairs far closer than any in training.

        Raises:
            GeometryError: a pair below a third of the shortest training distance, or as check_geometry.
        """
        ratio, frame, first, second = self._closest(frames)
        if ratio < WARNED**2:
            self._judge(frames, ratio, frame, first, second)

    def _closest(self, frames: Frames) -> tuple[float, int, int, int]:
        """Find the pair whose squared distance is smallest against its scale: the ratio, frame and atoms."""
        cells = _NO_CELL if frames.cells is None else completed(frames.cells, frames.pbc)
        if frames.n_atoms <= FEW_ATOMS:
            found: tuple[bool, float, int, int, int] = _closest_of_few(
                np.ascontiguousarray(frames.positions),
                np.ascontiguousarray(cells),
                frames.pbc,
                frames.numbers,
                self._scales,
            )
            if found[0]:
                return found[1:]
        check_geometry(frames)
        elements = np.unique(frames.numbers)
        reach = WARNED * float(np.sqrt(self._scales[np.ix_(elements, elements)].max()))
        near = neighbours(frames, reach)
        centres = near.centres % frames.n_atoms
        if not len(centres):
            return np.inf, 0, 0, 0
        ratio, pair = _closest_listed(near.vectors, centres, near.atoms, frames.numbers, self._scales)
        return ratio, int(near.frames[pair]), int(centres[pair]), int(near.atoms[pair])

    def _judge(self, frames: Frames, ratio: float, frame: int, first: int, second: int) -> None:
        """Raise or warn for the pair whose squared distance is by this ratio below the squared scale."""
        elements = np.sort(frames.numbers[[first, second]])
        scale = float(np.sqrt(self._scales[elements[0], elements[1]]))
        text = (
            f"{frames.source}: {name_pair(first, second)} ({'–'.join(chemical_symbols[z] for z in elements)}) of "
            f"{frames.name(frame)} are {np.sqrt(ratio) * scale:.3g} Å apart; "
        )
        if len(self.pairs) == 0:
            text += "how close such atoms came in the training is not known"
        elif (self.pairs == elements).all(axis=1).any():
            text += f"in the training such atoms came no closer than {scale:.3g} Å"
        else:
            text += f"in the training no such atoms came closer than {REACH:g} Å"
        if ratio < REFUSED**2:
            raise GeometryError(f"{text}, and the model has nothing to say of atoms that overlap; mend the structure")
        if not self._told:
            self._told.append(text)
            warnings.warn(
                f"{text}: forces on them are a guess (said once, whatever pairs follow)", UserWarning, stacklevel=2
            )

    @cached_property
    def _told(self) -> list[str]:
        """What was warned of."""
        return []

    @cached_property
    def _scales(self) -> Floats:
        """What distances are compared with, squared, by atomic numbers (119, 119), Å²."""
        radii = covalent_radii(np.arange(ELEMENTS))
        scales = np.maximum(NEVER_SEEN * (radii[:, None] + radii), OVERLAP / REFUSED)
        first, second = self.pairs.T
        scales[first, second] = scales[second, first] = self.distances
        return np.square(scales)


def _look(frames: Frames, table: Floats) -> None:
    """Bring a table of shortest distances (119, 119), Å, up to date. Raises GeometryError for atoms that overlap."""
    near = neighbours(frames, REACH)
    centres = near.centres % frames.n_atoms
    lengths = np.sqrt(np.einsum("px,px->p", near.vectors, near.vectors))
    if len(lengths) and lengths.min() < OVERLAP:
        k = int(lengths.argmin())
        raise GeometryError(
            f"{frames.source}: {name_pair(centres[k], near.atoms[k])} of {frames.name(near.frames[k])} are at the same "
            f"place ({lengths[k]:.2g} Å apart); remove that frame or mend it"
        )
    np.minimum.at(table, (frames.numbers[centres], frames.numbers[near.atoms]), lengths)


@compiled()
def _closest_of_few(
    positions: Floats, cells: Floats, periodic: Directions, numbers: Ints, scales: Floats
) -> tuple[bool, float, int, int, int]:
    """Of all pairs, the one whose d²/scale is smallest: that, frame and atoms; first of all, whether that is so simple.

    It is where everything has a sensible size, and the cell so large that rounding finds all images within reach.
    """
    widest = 0.0
    for i in range(len(numbers)):
        for j in range(i + 1):
            widest = max(widest, scales[numbers[i], numbers[j]])
    nearest, frame, first, second = np.inf, 0, 0, 0
    inverse = np.zeros((3, 3))
    for m in range(len(positions)):
        cell = cells[m if len(cells) > 1 else 0]
        if (periodic[0] or periodic[1] or periodic[2]) and not _inverted(cell, periodic, 4 * widest, inverse):
            return False, nearest, frame, first, second
        for i in range(len(numbers)):
            x, y, z = positions[m, i]
            if not max(abs(x), abs(y), abs(z)) < FARTHEST:
                return False, nearest, frame, first, second
            for j in range(i):
                u, v, w = rounded_image(
                    x - positions[m, j, 0], y - positions[m, j, 1], z - positions[m, j, 2], cell, inverse, periodic
                )
                ratio = (u * u + v * v + w * w) / scales[numbers[i], numbers[j]]
                if ratio < nearest:
                    nearest, frame, first, second = ratio, m, j, i
    return True, nearest, frame, first, second


@compiled()
def _inverted(cell: Floats, periodic: Directions, least: float, inverse: Floats) -> bool:
    """Invert a cell (3, 3), unless it is flat, huge, or lower than √least somewhere; say whether that was done."""
    for c in range(3):
        a, b = cell[(c + 1) % 3], cell[(c + 2) % 3]
        inverse[0, c] = a[1] * b[2] - a[2] * b[1]
        inverse[1, c] = a[2] * b[0] - a[0] * b[2]
        inverse[2, c] = a[0] * b[1] - a[1] * b[0]
    volume, box = 0.0, 1.0
    for c in range(3):
        volume += cell[0, c] * inverse[c, 0]
        length = np.sqrt(cell[c, 0] ** 2 + cell[c, 1] ** 2 + cell[c, 2] ** 2)
        if not length < FARTHEST:
            return False
        box *= length
    if not abs(volume) > FLATTEST * box:
        return False
    for c in range(3):
        area = 0.0
        for k in range(3):
            area += inverse[k, c] * inverse[k, c]
            inverse[k, c] /= volume
        if periodic[c] and volume * volume < least * area:
            return False
    return True


@compiled()
def _closest_listed(vectors: Floats, centres: Ints, atoms: Ints, numbers: Ints, scales: Floats) -> tuple[float, int]:
    """The same of listed pairs: d²/scale, and which pair."""
    nearest, pair = np.inf, -1
    for p in range(len(vectors)):
        x, y, z = vectors[p]
        ratio = (x * x + y * y + z * z) / scales[numbers[centres[p]], numbers[atoms[p]]]
        if ratio < nearest:
            nearest, pair = ratio, p
    return nearest, pair
