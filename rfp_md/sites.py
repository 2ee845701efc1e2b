"""Sites: what a descriptor hands to a regressor, checked on the way."""

from __future__ import annotations

from dataclasses import dataclass

from rfp_md.arrays import Floats, Ints
from rfp_md.frames import Frames


@dataclass(frozen=True, eq=False)
class Sites:
    """One term of M structures, as its descriptor gives it.

    Attributes:
        values: x (M, S, D).
        types: type of each site (S,).
        jacobian: dx/d(coordinates) (M, S, D, 3C), the descriptor's (M, S, D, C, 3) with its last axes flat, or
            None where it was not asked for.
    """

    values: Floats
    types: Ints
    jacobian: Floats | None = None


def n_coordinates(frames: Frames) -> int:
    """Rows of a derivative: the atoms and, in a periodic cell, the three of the strain."""
    return frames.n_atoms + (3 if frames.periodic else 0)
