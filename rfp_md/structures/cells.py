"""Which cells and positions can be computed with, and what stands for a lattice vector that is not there.

ASE builds slabs and wires without vectors along the directions that do not repeat. Geometry needs three of them to
invert; the missing one is put along the normal of the others, where no atom sees it. Energy and forces do not depend
on it; a stress has no volume then, and is left out.

What no program should be asked to compute is refused here, in one sentence, before native code walks through it: a
neighbour search takes time and memory for each periodic image within the cutoff, and lengths of 1e160 Å overflow in it.
"""

from __future__ import annotations

import numpy as np

from rfp_md.arrays import Floats
from rfp_md.errors import GeometryError
from rfp_md.frames import Frames

FARTHEST = (
    1e6  # Å; beyond, rounding shows in distances (1e-10 Å) and forces, and no run gets there but one that blew up
)
# Of a cell against the box with edges of the same lengths: that of a rhombohedron is 1e-3 at 2° between its vectors.
FLATTEST = 1e-5


def check_geometry(frames: Frames) -> None:
    """Refuse structures that nothing sensible can be said of: too far away, or in a cell that is none.

    Raises:
        GeometryError: a position or a cell beyond 1e6 Å, a periodic direction without a lattice vector, or lattice
            vectors that lie in one plane or along one line.
    """
    _check_lengths(frames, "atom", frames.positions)
    if not frames.periodic:
        return
    if frames.cells is None or not frames.cells.any():
        raise GeometryError(
            f"{frames.source}: {frames.name(0)} is periodic but has no cell; give it lattice vectors (extxyz: "
            'Lattice="..."), or say that it is not periodic (pbc="F F F")'
        )
    _check_lengths(frames, "lattice vector", frames.cells)
    periodic = np.array(frames.pbc)
    lengths = np.linalg.norm(frames.cells, axis=2)
    missing = np.argwhere((lengths == 0) & periodic)
    if len(missing):
        frame, axis = missing[0]
        raise GeometryError(
            f"{frames.source}: {frames.name(frame)} is periodic along lattice vector {axis + 1}, which is zero; give "
            "that vector, or say that this direction is not periodic (pbc)"
        )
    flat = np.flatnonzero(_flatness(frames.cells[:, periodic]) < FLATTEST)
    if len(flat):
        raise GeometryError(
            f"{frames.source}: the lattice vectors of {frames.name(flat[0])} are (almost) linearly dependent, so that "
            "the cell is flat or sheared beyond use; give the vectors of a reduced cell, or mend the file"
        )


def completed(cells: Floats, periodic: tuple[bool, bool, bool]) -> Floats:
    """Put vectors along the normals where directions without periodicity have none, in cells (M, 3, 3), Å.

    Given vectors stay as they are unless they lie in the others' plane; of a good cell nothing is changed.
    """
    if all(periodic):
        return cells
    from ase.geometry import complete_cell

    with np.errstate(divide="ignore", invalid="ignore"):
        good = _flatness(cells) >= FLATTEST
    if good.all():
        return cells
    mask = np.array(periodic)[:, None]
    whole = [cell if fine else complete_cell(np.where(mask, cell, 0.0)) for cell, fine in zip(cells, good, strict=True)]
    return np.array(whole, dtype=np.float64)


def surrounded(frames: Frames, vacuum: float) -> Floats:
    """Make cells (M, 3, 3), Å, for programs that repeat all directions or none, of structures that repeat some.

    Along the others, the normals lead through the structure and so much vacuum, Å: images are no neighbours there.
    """
    periodic = np.array(frames.pbc)
    cells: Floats = completed(np.where(periodic[:, None], np.asarray(frames.cells), 0.0), frames.pbc).copy()
    for cell, positions in zip(cells, frames.positions, strict=True):
        for axis in np.flatnonzero(~periodic):
            normal = cell[axis] / np.linalg.norm(cell[axis])
            cell[axis] = normal * np.ceil(np.ptp(positions @ normal) + vacuum)
    return cells


def _check_lengths(frames: Frames, what: str, vectors: Floats) -> None:
    """Raise GeometryError for a component of vectors (M, P, 3) that is too large, or no number."""
    if np.abs(vectors).max(initial=0.0) < FARTHEST:
        return
    frame, place, _ = np.argwhere(~(np.abs(vectors) < FARTHEST))[0]
    where = f"atom {place} of {frames.name(frame)}" if what == "atom" else f"{what} {place + 1} of {frames.name(frame)}"
    raise GeometryError(
        f"{frames.source}: {where} is at {np.abs(vectors[frame, place]).max():.3g} Å, beyond {FARTHEST:g} Å, so the "
        "run has blown up or the unit of length is another one; go back to an earlier structure, or check the file"
    )


def _flatness(vectors: Floats) -> Floats:
    """The volume of each cell, or the area or length of what has fewer vectors (M, n, 3), over that of a box."""
    units = vectors / np.linalg.norm(vectors, axis=2, keepdims=True)
    if units.shape[1] == 1:
        return np.ones(len(units))
    if units.shape[1] == 2:
        across: Floats = np.linalg.norm(np.cross(units[:, 0], units[:, 1]), axis=1)
        return across
    volumes: Floats = np.abs(np.linalg.det(units))
    return volumes
