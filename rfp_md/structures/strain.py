"""Structures under strain: positions and cell deformed together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rfp_md.arrays import Floats
from rfp_md.frames import Frames


def deformed(frames: Frames, k: int, deformation: Floats) -> Frames:
    """The structure k with its cell, every vector x become x·A with the deformation A (3, 3)."""
    cells = None if frames.cells is None else frames.cells[k : k + 1] @ deformation
    return Frames(
        frames.numbers, frames.positions[k : k + 1] @ deformation, cells=cells, pbc=frames.pbc, source=frames.source
    )


def strained(frames: Frames, strain: Floats) -> Frames:
    """Positions and cell under r → r (1 + ε)."""
    deformation = np.eye(3) + strain
    cells = None if frames.cells is None else frames.cells @ deformation
    return replace(frames, positions=frames.positions @ deformation, cells=cells)
