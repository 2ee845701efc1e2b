"""Which elements a model has seen together."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from rfp_md.frames import Dataset, Frames, formula


@dataclass(frozen=True, eq=False)
class Combinations:
    """Sets of elements of the training frames, none of which is part of another; none where that is not known.

    What elements do to each other that never met in a frame, the training says nothing about: alloys of four elements
    may be wrong by electronvolts after all pairs were trained.
    """

    sets: Sequence[frozenset[int]] = ()
    _looked_at: set[frozenset[int]] = field(default_factory=set)

    @classmethod
    def of(cls, dataset: Dataset) -> Combinations:
        """Those of all frames."""
        return cls.largest(frozenset(block.numbers.tolist()) for block in dataset)

    @classmethod
    def largest(cls, sets: Iterable[frozenset[int]]) -> Combinations:
        """Those sets that are not part of another."""
        every = set(sets)
        return cls([one for one in sorted(every, key=sorted) if not any(one < other for other in every)])

    def check(self, frames: Frames) -> None:
        """Warn, once for each, of elements that no training frame has together."""
        elements = frozenset(frames.numbers.tolist())
        if not self.sets or elements in self._looked_at:
            return
        self._looked_at.add(elements)
        if not any(elements <= known for known in self.sets):
            warnings.warn(
                f"{frames.source}: has {formula(sorted(elements))} together, and no training frame has: what these "
                "elements do to each other is a guess",
                stacklevel=2,
            )
