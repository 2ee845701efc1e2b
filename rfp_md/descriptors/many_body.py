"""Atom-centred, element-resolved many-body invariants of the neighbours' density."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from rfp_md.arrays import Floats, Ints
from rfp_md.atomic_basis import expansion, kernels
from rfp_md.atomic_basis.basis import Basis, principal_mixing
from rfp_md.atomic_basis.compression import principal_invariants
from rfp_md.atomic_basis.couplings import Couplings, couplings
from rfp_md.atomic_basis.placement import LEAST, innermost
from rfp_md.descriptors.base import Capabilities, Descriptor, Pullback
from rfp_md.errors import UserError
from rfp_md.frames import Dataset, Frames, formula
from rfp_md.plugins.arrays import Array, Surroundings
from rfp_md.sites import NeighbourJacobian, n_coordinates
from rfp_md.structures.neighbours import Neighbours, neighbours

CENTRES = 128  # whose derivatives a thread makes at once
SAMPLE_ATOMS = 3000  # that channels and components are learned from


class ManyBody(Descriptor):
    """x_i = U B(A_i): invariants B of products of A_i,qlm = Σ_j R_ql(r_ij) Y_lm(r̂_ij), in principal components.

    The density of the neighbours of atom i is expanded in radial functions, one set for each element, and
    spherical harmonics (the atomic cluster expansion, Drautz, Phys. Rev. B 99, 014104 (2019)); the cost is linear in
    the number of neighbours. With A multiplied once, twice or three times, x knows distances (body order 2), angles
    (3) and dihedrals (4). The radial functions of all elements are combined into the few ``channels`` q that vary
    most over the training frames (Goscinski et al., J. Chem. Phys. 155, 104106 (2021)), and the invariants into
    their principal ``components``, both for each element of the central atom.

    The radial functions, R_n(r) = exp(−ln²(r/r_n)/2σ²) r^−½ (1 − (r/r_c)²)³ with geometric r_n, are wide and
    overlap: smooth functions of smooth coordinates need the fewest features. They begin a little
    inside the shortest distance of a usual training frame, r_0 (``innermost``), so that none is spent where no
    neighbour is. At the cutoff r_c the value and two derivatives are zero.
    """

    name: ClassVar[str] = "many_body"
    compatible_since: ClassVar[str | None] = "0.1.0"
    capabilities: ClassVar[Capabilities] = Capabilities(
        differentiable=True,
        periodic=True,
        translation_invariant=True,
        rotation_invariant=True,
        permutation_invariant=True,
        per_atom=True,
    )

    cutoff: float = Field(6.0, gt=1.0, le=20.0, allow_inf_nan=False, description="radius of the environment, Å")
    body_order: int = Field(3, ge=2, le=4, description="atoms that an invariant couples, the central one included")
    n_radial: int = Field(7, ge=2, le=30, description="radial functions for each element")
    max_angular: int = Field(3, ge=0, le=8, description="largest l of the spherical harmonics")
    channels: int = Field(12, ge=1, le=100, description="combined radial functions for each l in products of two")
    four_body_channels: int = Field(4, ge=1, le=20, description="the same in products of three, where l ≤ 2")
    components: int = Field(
        100, ge=1, le=5000, description="numbers for each atom, principal components of the invariants"
    )

    def fit(self, dataset: Dataset) -> None:
        """Learn the elements, r_0 (``innermost``), the channels (``mixing``) and the components (``projections``)."""
        elements = np.unique(np.concatenate([block.numbers for block in dataset])).astype(np.int64)
        self._state.clear()
        self._state["elements"] = elements
        self._forget()
        found = [self._neighbours(block) for block in _sample(dataset, elements)]
        self._state["innermost"] = np.array([innermost(found, len(elements), self.cutoff)])
        species = np.concatenate([centres for _, centres, _ in found])
        densities = np.concatenate([self._densities(near, others) for near, _, others in found])
        self._state["mixing"] = principal_mixing(self._basis, species, densities)
        self._state["projections"] = principal_invariants(
            expansion.invariants(self._mix(densities, species), *self._couplings.products, len(self._couplings.orders)),
            self._couplings.orders,
            species,
            len(elements),
            self.components,
        )

    def arrays(self, model: Surroundings) -> dict[str, Array]:
        """The elements, r_0 and U for each of them, of as many channels as there are, and the principal invariants."""
        n = len(model.elements)
        basis = self._basis_of(n, 1.0)
        invariants = len(self._couplings_of(basis).orders)
        return {
            "elements": Array((n,), "int", least=1, most=118, ascending=True),
            "innermost": Array((1,), least=LEAST, most=0.99 * self.cutoff),
            "mixing": Array((n, n, self.n_radial, sum(basis.layout.channels))),
            "projections": Array((n, min(self.components, invariants), invariants)),
        }

    def restore(self, state: dict[str, NDArray[Any]]) -> Self:
        """Take back elements, channels and components."""
        self._forget()
        return super().restore(state)

    def site_types(self, numbers: Ints) -> Ints:
        """Every atom is a site, typed by its element: the atomic numbers (N,)."""
        return numbers

    def values(self, frames: Frames) -> Floats:
        """x_i = U B(A_i), the invariants of every atom in principal components (M, N, D)."""
        return self.values_and_pullback(frames)[0]

    def pullback(self, frames: Frames, gradient: Floats) -> Floats:
        """dE/d(coordinates) (M, C, 3), from dE/dx back through U, B, A and the density to the neighbours' vectors."""
        return self.values_and_pullback(frames)[1](gradient)

    def values_and_pullback(self, frames: Frames) -> tuple[Floats, Pullback]:
        """x (M, N, D) and its pullback, which uses the neighbours and A of every centre again."""
        near, centres, species = self._neighbours(frames)
        mixed = self._mix(self._densities(near, species), centres)
        invariants = expansion.invariants(mixed, *self._couplings.products, len(self._couplings.orders))

        def pullback(gradient: Floats) -> Floats:
            by_invariant = self._pull_projection(gradient.reshape(len(centres), -1), centres)
            by_mixed = expansion.invariant_pullback(mixed, *self._couplings.products, by_invariant)
            by_density = expansion.mixing_pullback(by_mixed, centres, self._mixing, self._basis.arrays)
            by_vector = expansion.pulled_vectors(near.vectors, species, near.offsets, self._basis.arrays, by_density)
            pulled = np.zeros((len(frames), n_coordinates(frames), 3))
            expansion.scatter_pulled(by_vector, near.vectors, near.atoms, near.offsets, frames.n_atoms, pulled)
            return pulled

        return self._project(invariants, centres).reshape(len(frames), frames.n_atoms, -1), pullback

    def neighbour_jacobian(self, frames: Frames) -> NeighbourJacobian:
        """∂x_s/∂r_c for c among atom s, its neighbours and the strain; blocks are computed when they are asked for."""
        near, centres, species = self._neighbours(frames)
        mixed = self._mix(self._densities(near, species), centres)
        projections = np.ascontiguousarray(self._state["projections"].transpose(0, 2, 1))
        strains = n_coordinates(frames) - frames.n_atoms
        sites, offsets, places = kernels.block_places(near.atoms, near.offsets, len(frames), frames.n_atoms, strains)

        def blocks(part: slice) -> Floats:
            found = np.zeros((part.stop - part.start, 3, projections.shape[2]))

            def of_centres(start: int) -> None:
                kernels.site_blocks(
                    near.vectors,
                    species,
                    near.offsets,
                    centres,
                    self._mixing,
                    self._basis.arrays,
                    mixed,
                    self._couplings.products,
                    projections,
                    places,
                    (start, min(start + CENTRES, len(centres))),
                    part.start,
                    found,
                )

            # A block is of one centre, and the compiled loop lets go of the interpreter: threads do not meet.
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                deque(pool.map(of_centres, range(0, len(centres), CENTRES)), maxlen=0)
            return found.transpose(0, 2, 1)

        return NeighbourJacobian(sites, offsets, blocks)

    def _neighbours(self, frames: Frames) -> tuple[Neighbours, Ints, Ints]:
        """Neighbours, the species of every centre (M·N,) and of every neighbour (P,)."""
        elements = self._state["elements"]
        if unknown := sorted(set(frames.numbers.tolist()) - set(elements.tolist())):
            raise UserError(
                f"{frames.source}: has {formula(unknown)}, but descriptor '{self.name}' was fitted to "
                f"{formula(elements)} only"
            )
        near = neighbours(frames, self.cutoff)
        species = np.searchsorted(elements, frames.numbers)
        return near, np.tile(species, len(frames)), species[near.atoms]

    def _densities(self, near: Neighbours, species: Ints) -> Floats:
        density: Floats = expansion.densities(near.vectors, species, near.offsets, self._basis.arrays)
        return density

    def _mix(self, density: Floats, centres: Ints) -> Floats:
        mixed: Floats = expansion.mix(density, centres, self._mixing, self._basis.arrays)
        return mixed

    def _project(self, invariants: Floats, centres: Ints) -> Floats:
        """U B of every centre, (centres, D)."""
        projections = self._state["projections"]
        projected = np.empty((len(centres), projections.shape[1]))
        for k, projection in enumerate(projections):
            mine = np.flatnonzero(centres == k)
            projected[mine] = invariants[mine] @ projection.T
        return projected

    def _pull_projection(self, gradient: Floats, centres: Ints) -> Floats:
        """dE/dB (centres, O) of dE/dx (centres, D)."""
        projections = self._state["projections"]
        pulled = np.empty((len(centres), projections.shape[2]))
        for k, projection in enumerate(projections):
            mine = np.flatnonzero(centres == k)
            pulled[mine] = gradient[mine] @ projection
        return pulled

    @property
    def _mixing(self) -> Floats:
        """U (element of the centre, z·n, Q)."""
        mixing = self._state["mixing"]
        return mixing.reshape(len(mixing), -1, mixing.shape[-1])

    @cached_property
    def _basis(self) -> Basis:
        return self._basis_of(len(self._state["elements"]), float(self._state["innermost"][0]))

    @cached_property
    def _couplings(self) -> Couplings:
        return self._couplings_of(self._basis)

    def _basis_of(self, n_elements: int, innermost: float) -> Basis:
        return Basis.of(n_elements, self.n_radial, self.max_angular, innermost, self.cutoff, self.channels)

    def _couplings_of(self, basis: Basis) -> Couplings:
        two = basis.layout.limited(self.channels) if self.body_order > 2 else ()
        three = basis.layout.limited(self.four_body_channels)[:3] if self.body_order > 3 else ()
        return couplings(basis.layout, two, three)

    def _forget(self) -> None:
        for name in ("_basis", "_couplings"):
            self.__dict__.pop(name, None)


def _sample(dataset: Dataset, elements: Ints) -> Dataset:
    """About ``SAMPLE_ATOMS`` atoms of the frames that have an element, evenly spread, for each of the elements.

    So a rare element has its sample too, and the size depends on neither the number of frames nor that of compositions.
    """
    blocks = [np.isin(elements, block.numbers) for block in dataset]
    sizes = np.array([block.n_atoms for block in dataset])
    lengths = [len(block) for block in dataset]
    has, sizes = np.repeat(blocks, lengths, axis=0), np.repeat(sizes, lengths)
    chosen = []
    for k in range(len(elements)):
        mine = np.flatnonzero(has[:, k])
        chosen.append(mine[_spread(len(mine), SAMPLE_ATOMS * len(mine) // sizes[mine].sum())])
    return dataset.select(np.unique(np.concatenate(chosen)))


def _spread(n: int, most: int) -> Ints:
    """At most ``most`` indices below n, evenly spread."""
    return np.unique(np.linspace(0, n - 1, max(1, min(n, most))).astype(np.int64))
