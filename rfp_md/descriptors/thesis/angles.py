"""The angles of every triple of atoms."""

from __future__ import annotations

from functools import lru_cache
from typing import ClassVar

import numpy as np

from rfp_md.arrays import Floats, Ints
from rfp_md.descriptors.base import Capabilities, Descriptor
from rfp_md.descriptors.thesis.coulomb_matrix import atom_pairs
from rfp_md.descriptors.thesis.triples import atom_triples
from rfp_md.errors import UserError
from rfp_md.frames import Dataset, Frames
from rfp_md.plugins.arrays import Array, Surroundings


class Angles(Descriptor):
    """α = arccos((b² + c² − a²) / (2bc)), radian, at every corner of every triangle of atoms (thesis, eq. 3.17).

    b and c are the sides that meet at the corner. The thesis prints the numerator with the other sign;
    its code has this one, but takes all ordered triples, degenerate ones too. Here every triple i < j < k
    has its three angles, at i, at j and at k, once: D = N(N−1)(N−2)/2. They are computed as
    atan2(|u × v|, u · v) with u and v along the two sides, which loses no digits in flat triangles.

    Where three atoms come into one line, α has a kink: its derivative jumps from one side to the other. In
    benzene that is never far, for opposite atoms are in one line on average. Do not run MD with it. A
    structure with atoms in one line has no derivative and is refused.
    """

    name: ClassVar[str] = "angles"
    compatible_since: ClassVar[str | None] = "0.1.0"
    capabilities: ClassVar[Capabilities] = Capabilities(
        differentiable=True,
        translation_invariant=True,
        rotation_invariant=True,
        fixed_composition=True,
        piecewise=True,
    )

    def arrays(self, model: Surroundings) -> dict[str, Array]:
        """It keeps nothing."""
        return {}

    def fit(self, dataset: Dataset) -> None:
        """Learn nothing. Raises UserError for more than one composition, or fewer than three atoms."""
        block = dataset.one_composition(f"descriptor '{self.name}'")
        if block.n_atoms < 3:
            raise UserError(f"{block.source}: descriptor '{self.name}' needs at least three atoms")

    def site_types(self, numbers: Ints) -> Ints:
        """The molecule is one site (1,)."""
        return np.zeros(1, dtype=np.int64)

    def values(self, frames: Frames) -> Floats:
        """α = atan2(|u × v|, u·v) of every corner (M, 1, D), radian."""
        u, v = _corners(frames.n_atoms).sides(frames)
        sines, cosines = np.linalg.norm(np.cross(u, v), axis=2), np.einsum("mdx,mdx->md", u, v)
        angles: Floats = np.arctan2(sines, cosines)
        return angles[:, None]

    def jacobian(self, frames: Frames) -> Floats:
        """dα/dr (M, 1, D, N, 3), radian/Å. Raises UserError where three atoms are in one line."""
        corners = _corners(frames.n_atoms)
        by_u, by_v = (derivatives[:, :, None] for derivatives in self._by_sides(frames))
        dense: Floats = by_u * corners.left[..., None] + by_v * corners.right[..., None]
        return dense[:, None]

    def pullback(self, frames: Frames, gradient: Floats) -> Floats:
        """dE/dr (M, N, 3) without the Jacobian: u and v each pull at both their ends."""
        corners = _corners(frames.n_atoms)
        by_u, by_v = (gradient[:, 0, :, None] * derivatives for derivatives in self._by_sides(frames))
        pulled: Floats = corners.left.T @ by_u + corners.right.T @ by_v
        return pulled

    def _by_sides(self, frames: Frames) -> tuple[Floats, Floats]:
        """dα/du = u × n / u² and dα/dv = n × v / v² with the normal n of the plane, (M, D, 3) each."""
        corners = _corners(frames.n_atoms)
        u, v = corners.sides(frames)
        normals = np.cross(u, v)
        sizes = np.linalg.norm(normals, axis=2)
        u_squared, v_squared = np.square(u).sum(axis=2), np.square(v).sum(axis=2)
        flat = sizes <= COLLINEAR * np.sqrt(u_squared * v_squared)
        if flat.any():
            frame, corner = np.argwhere(flat)[0]
            i, j, k = np.sort(corners.atoms[:, corner])
            raise UserError(
                f"{frames.source}: atoms {i}, {j} and {k} of {frames.name(frame)} are in one line, where descriptor "
                f"'{self.name}' has no derivative; remove that frame, or use coulomb_matrix or inverse_distances"
            )
        normals /= sizes[..., None]
        return np.cross(u, normals) / u_squared[..., None], np.cross(normals, v) / v_squared[..., None]


class _Corners:
    """The D corners of all triangles of N atoms.

    Attributes:
        atoms: the atom at the corner and the two at the other ends of its sides (3, D).
        left, right: (D, N), −1 for the atom at the corner and +1 for that at the other end, so that
            ``left @ positions`` and ``right @ positions`` are the sides u and v.
    """

    def __init__(self, n_atoms: int) -> None:
        i, j, k = atom_triples(n_atoms)
        self.atoms: Ints = np.stack([[i, j, k], [j, i, k], [k, i, j]], axis=2).reshape(3, -1)
        one = np.eye(n_atoms)
        self.left: Floats = one[self.atoms[1]] - one[self.atoms[0]]
        self.right: Floats = one[self.atoms[2]] - one[self.atoms[0]]

    def sides(self, frames: Frames) -> tuple[Floats, Floats]:
        """u and v (M, D, 3), Å. Raises UserError if two atoms are at the same place."""
        atom_pairs(frames.n_atoms).separations(frames)  # for its refusal
        return self.left @ frames.positions, self.right @ frames.positions


@lru_cache(maxsize=16)
def _corners(n_atoms: int) -> _Corners:
    return _Corners(n_atoms)


COLLINEAR = 1e-10  # sine of the angle; below this the normal of the plane is decided by rounding
