"""Structures that are deformed as a whole, positions and cell together: under strain, swollen or turned."""

from __future__ import annotations

import numpy as np

from rfp_md.arrays import Floats
from rfp_md.frames import Frames


def deformed(frames: Frames, deformation: Floats) -> Frames:
    """Deform structures: every vector x becomes x·A; without labels.

    Args:
        deformation: A, one for all (3, 3), or of M structures each its own (M, 3, 3); of a single structure, M of them
            make M.
    """
    cells = None if frames.cells is None else frames.cells @ deformation
    return Frames(frames.numbers, frames.positions @ deformation, cells=cells, pbc=frames.pbc, source=frames.source)


def strained(frames: Frames, strain: Floats) -> Frames:
    """Strain structures: r → r (1 + ε), with ε (3, 3) or (M, 3, 3)."""
    return deformed(frames, np.eye(3) + strain)
