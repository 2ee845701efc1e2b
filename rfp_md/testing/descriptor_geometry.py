"""Checks of a descriptor's geometry: derivatives, invariances and smoothness."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from scipy.spatial.transform import Rotation

from rfp_md.arrays import Floats
from rfp_md.descriptors.base import Descriptor
from rfp_md.descriptors.describe import describe
from rfp_md.frames import Dataset, Frames
from rfp_md.linalg.differences import central_difference
from rfp_md.sites import NeighbourJacobian
from rfp_md.structures.molecular_graph import automorphisms
from rfp_md.structures.strain import strained
from rfp_md.testing.numbers import bisect, far, sorted_sites
from rfp_md.testing.outcomes import fail, skip
from rfp_md.testing.structures import moved

# All relative to the largest number that is compared.
SAME = 1e-10  # the same computation done twice or in another order
INVARIANT = 1e-8  # under rigid motions and relabelling
DERIVATIVE = 1e-6  # against central differences
JUMP = 1e-4  # of a derivative, within a nanoangstrom

STEP = 1e-4  # Å, of central differences
SCAN = np.linspace(0.8, 12.0, 600)  # Å, distances at which smoothness is looked at
STENCIL = (-2, -1, 1, 2)  # steps


@dataclass(frozen=True)
class GeometryChecks:
    """The checks of one descriptor's geometry on one block of frames."""

    descriptor: Descriptor
    frames: Frames

    @cached_property
    def fitted(self) -> Descriptor:
        """A new descriptor of the same parameters, fitted to the frames."""
        return fresh(self.descriptor, self.frames)

    @cached_property
    def values(self) -> Floats:
        """Its values of the frames (M, S, D)."""
        return self.fitted.values(self.frames)

    def derivative(self) -> None:
        """Its Jacobian is the derivative of its values, against central differences along every coordinate."""
        self.needs("differentiable")
        frame = self.frames[:1]
        jacobian = self.fitted.jacobian(frame)
        for i in range(frame.n_atoms):
            for axis in range(3):
                step = np.zeros_like(frame.positions)
                step[0, i, axis] = STEP
                numerical = self.difference({t: moved(frame, frame.positions + t * step) for t in STENCIL})
                self.compare(jacobian[0, :, :, i, axis], numerical, f"atom {i} along {'xyz'[axis]}")

    def virial(self) -> None:
        """The strain rows of its Jacobian are right, against strained cells."""
        self.needs("differentiable")
        frame = self.frames[:1]
        jacobian = self.fitted.jacobian(frame)
        for a in range(3):
            for b in range(3):
                strain = np.zeros((3, 3))
                strain[a, b] = STEP
                numerical = self.difference({t: strained(frame, t * strain) for t in STENCIL})
                self.compare(jacobian[0, :, :, frame.n_atoms + a, b], numerical, f"strain {'xyz'[a]}{'xyz'[b]}")

    def pullback_equals_jacobian(self) -> None:
        """Its pullback, also that of ``values_and_pullback``, is the gradient times the Jacobian."""
        self.needs("differentiable")
        gradient = np.cos(np.arange(self.values.size)).reshape(self.values.shape)
        product = np.einsum("msd,msdcx->mcx", gradient, self.fitted.jacobian(self.frames))
        if far(self.fitted.pullback(self.frames, gradient), product, SAME):
            fail("pullback is not the product of the gradient with the Jacobian; derive one from the other")
        values, pullback = self.fitted.values_and_pullback(self.frames)
        if far(values, self.values, SAME) or far(pullback(gradient), product, SAME):
            fail("values_and_pullback differs from values and pullback")

    def neighbours_are_the_whole_jacobian(self) -> None:
        """A Jacobian by neighbour has every block that is not zero, also piece by piece."""
        if not self.fitted.local:
            skip("it gives a Jacobian or a pullback, and none by neighbour")
        sites = describe(self.fitted, self.frames, derivatives=True)
        near: NeighbourJacobian = sites.by_neighbour  # type: ignore[assignment]
        jacobian = self.fitted.jacobian(self.frames).reshape(*self.values.shape, -1)
        if far(jacobian, np.asarray(sites.jacobian), SAME):
            fail("its blocks by neighbour are not those of its Jacobian; give every coordinate that a site depends on")
        half = len(near.sites) // 2
        parts = [near.blocks(slice(0, half)), near.blocks(slice(half, len(near.sites)))]
        if half and far(np.concatenate(parts), near.blocks(slice(0, len(near.sites))), SAME):
            fail("blocks that are asked for piece by piece are others than those of all at once")

    def translation(self) -> None:
        """A shifted structure has the same values, where that is declared."""
        self.invariance("translation_invariant", self.frames.positions + np.array([1.3, -0.7, 2.1]))

    def rotation(self) -> None:
        """A turned structure, its cell included, has the same values, where that is declared."""
        turn = Rotation.from_rotvec([0.4, -0.9, 0.6]).as_matrix().T
        if self.frames.cells is None:
            self.invariance("rotation_invariant", self.frames.positions @ turn)
            return
        self.needs("rotation_invariant")
        if far(self.values, self.fitted.values(strained(self.frames, turn - np.eye(3))), INVARIANT):
            fail("it declares rotation_invariant, but a turned crystal has other values")

    def permutation(self) -> None:
        """Relabelling like atoms only permutes the sites, where that is declared."""
        self.needs("permutation_invariant")
        relabelled = np.arange(self.frames.n_atoms)
        if self.descriptor.capabilities.fixed_composition:
            relabellings = automorphisms(self.frames, 1.2, 10_000)
        else:
            for z in np.unique(self.frames.numbers):
                relabelled[self.frames.numbers == z] = np.roll(np.flatnonzero(self.frames.numbers == z), 1)
            relabellings = relabelled[None]
        types = self.fitted.site_types(self.frames.numbers)
        for permutation in relabellings:
            after = self.fitted.values(moved(self.frames, self.frames.positions[:, permutation]))
            for k in range(len(self.frames)):
                if far(sorted_sites(self.values[k], types), sorted_sites(after[k], types), INVARIANT):
                    fail(
                        "it declares permutation_invariant, but relabelling like atoms changes the set of its sites; "
                        "order by something that follows the atoms, or do not declare it"
                    )

    def lattice_translation(self) -> None:
        """An atom moved by a lattice vector changes nothing."""
        positions = self.frames.positions.copy()
        positions[:, 0] += self.frames.cells[:, 1] - self.frames.cells[:, 2]  # type: ignore[index]
        if far(self.values, self.fitted.values(moved(self.frames, positions)), INVARIANT):
            fail("an atom moved by a lattice vector changes the values; take every periodic image into account")

    def smoothness(self) -> None:
        """Values and derivatives are continuous along an atom that is pulled away, through any cutoff."""
        self.needs("differentiable")
        if self.descriptor.capabilities.piecewise:
            skip("it declares piecewise")
        start = self.frames[:1]
        direction = np.array([0.36, 0.48, 0.8])
        last, middle = start.n_atoms - 1, start.positions[0].mean(axis=0)

        def along(distance: float) -> tuple[Floats, Floats]:
            positions = start.positions.copy()
            positions[0, last] = middle + distance * direction
            frame = moved(start, positions)
            return self.fitted.values(frame), self.fitted.jacobian(frame)[..., last, :] @ direction

        scan = [along(distance) for distance in SCAN]
        for part, what in ((0, "values"), (1, "derivatives")):
            scale = max(np.abs(point[part]).max() for point in scan) or 1.0
            changes = np.array([(b[part] - a[part]).ravel() for a, b in pairwise(scan)])
            # A jump stands out from the changes before and after it; a steep place does not.
            odd = np.abs(changes[1:-1] - 0.5 * (changes[:-2] + changes[2:])).max(axis=1)
            for k in 1 + np.argsort(odd)[-5:]:
                jump, place = bisect(along, part, float(SCAN[k]), float(SCAN[k + 1]))
                if jump > JUMP * scale:
                    fail(
                        f"{what} jump by {jump:.2g} where an atom passes {place:.4f} Å; "
                        "let a smooth cutoff function take them to zero, with its derivative, or declare piecewise"
                    )

    def needs(self, capability: str) -> None:
        """Skip the check unless this capability is declared."""
        if not getattr(self.descriptor.capabilities, capability):
            skip(f"it does not declare {capability}")

    def invariance(self, capability: str, positions: Floats) -> None:
        """Fail if the values at these positions (M, N, 3) are others though the capability is declared."""
        self.needs(capability)
        if far(self.values, self.fitted.values(moved(self.frames, positions)), INVARIANT):
            fail(f"it declares {capability}, but the values change; do not declare it, or use relative geometry only")

    def difference(self, frames: dict[int, Frames]) -> Floats:
        """The derivative of the values (S, D), by fourth-order central differences."""
        return central_difference(lambda steps: self.fitted.values(frames[steps])[0], STEP)

    def compare(self, analytic: Floats, numerical: Floats, where: str) -> None:
        """Fail where a derivative (S, D) is off from central differences, naming where it is worst."""
        error, scale = np.abs(analytic - numerical).max(), max(np.abs(numerical).max(), np.abs(analytic).max(), 1e-3)
        if error > DERIVATIVE * scale:
            site, component = np.argwhere(np.abs(analytic - numerical) == error)[0]
            fail(
                f"the derivative of site {site}, component {component}, with respect to {where} is "
                f"{analytic[site, component]:.6g}, but central differences give {numerical[site, component]:.6g}"
            )


def fresh(descriptor: Descriptor, frames: Frames) -> Descriptor:
    """A new descriptor of the same parameters, fitted to these frames."""
    new = type(descriptor)(**descriptor.model_dump())
    new.fit(Dataset((frames,)))
    return new
