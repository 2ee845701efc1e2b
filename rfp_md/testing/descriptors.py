"""Checks of a descriptor."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from multiprocessing import get_context
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from rfp_md.arrays import Floats
from rfp_md.descriptors.base import Descriptor
from rfp_md.descriptors.describe import describe
from rfp_md.errors import UserError
from rfp_md.frames import Dataset, Frames
from rfp_md.linalg.differences import central_difference
from rfp_md.plugins.guard import check_fitted
from rfp_md.sites import NeighbourJacobian, n_coordinates
from rfp_md.structures.molecular_graph import automorphisms
from rfp_md.structures.strain import strained
from rfp_md.testing.numbers import bisect, copied, displaced, far, sorted_sites, want_array
from rfp_md.testing.outcomes import Outcome, fail, raise_failures, run_checks, skip
from rfp_md.testing.structures import atom, crystal, molecule, moved, pair

# All relative to the largest number that is compared.
SAME = 1e-10  # the same computation done twice or in another order
INVARIANT = 1e-8  # under rigid motions and relabelling
DERIVATIVE = 1e-6  # against central differences
JUMP = 1e-4  # of a derivative, within a nanoangstrom

STEP = 1e-4  # Å, of central differences
SCAN = np.linspace(0.8, 12.0, 600)  # Å, distances at which smoothness is looked at
STENCIL = (-2, -1, 1, 2)  # steps


def check_descriptor(descriptor: Descriptor, frames: Frames | None = None) -> None:
    """Raise AssertionError with one sentence for each defect.

    Args:
        descriptor: as made from its parameters, not yet fitted.
        frames: a few similar structures to try it on; default: rattled ethanol and, for a periodic
            descriptor, rattled silicon beside it.
    """
    raise_failures(descriptor.name, descriptor_outcomes(descriptor, frames))


def descriptor_outcomes(descriptor: Descriptor, frames: Frames | None = None) -> list[Outcome]:
    """Run every check; nothing is raised."""
    given = frames
    checks = DescriptorChecks(descriptor, molecule() if given is None else given)
    outcomes = run_checks([checks.fits])
    if outcomes[0].status == "failed":
        return outcomes  # every other check would only say the same
    outcomes += run_checks(checks.all())
    if descriptor.capabilities.periodic and given is None:
        periodic = DescriptorChecks(descriptor, crystal())
        outcomes += [
            Outcome(f"{outcome.check} (crystal)", outcome.status, outcome.message)
            for outcome in run_checks(periodic.in_a_crystal())
        ]
    return outcomes


@dataclass(frozen=True)
class DescriptorChecks:
    """The checks of one descriptor on one block of frames."""

    descriptor: Descriptor
    frames: Frames

    def all(self) -> list[Callable[[], None]]:
        """Every check that applies to a molecule, in the order of the table."""
        return [
            self.documented,
            self.shapes_and_dtypes,
            self.input_not_changed,
            self.no_state_between_calls,
            self.batch_equals_single,
            self.derivative,
            self.pullback_equals_jacobian,
            self.neighbours_are_the_whole_jacobian,
            self.translation,
            self.rotation,
            self.permutation,
            self.smoothness,
            self.save_and_load,
            self.other_compositions,
            self.one_atom_and_two_atoms,
            self.coincident_atoms,
            self.threads,
            self.processes,
        ]

    def in_a_crystal(self) -> list[Callable[[], None]]:
        """The checks that are made in a periodic cell too."""
        return [
            self.shapes_and_dtypes,
            self.batch_equals_single,
            self.derivative,
            self.virial,
            self.pullback_equals_jacobian,
            self.neighbours_are_the_whole_jacobian,
            self.translation,
            self.rotation,
            self.lattice_translation,
        ]

    @cached_property
    def fitted(self) -> Descriptor:
        """A new descriptor of the same parameters, fitted to the frames."""
        return fresh(self.descriptor, self.frames)

    @cached_property
    def values(self) -> Floats:
        """Its values of the frames (M, S, D)."""
        return self.fitted.values(self.frames)

    def fits(self) -> None:
        """It can be fitted, and what it learns can be stored."""
        check_fitted(self.fitted)

    def documented(self) -> None:
        """Its class has a docstring, which is its documentation."""
        if not type(self.descriptor).__doc__:
            fail("its class has no docstring; write the equation and its source, which is its documentation")

    def shapes_and_dtypes(self) -> None:
        """Values, types and derivatives are arrays of the right shapes and types."""
        values, types = self.fitted.values(self.frames), self.fitted.site_types(self.frames.numbers)
        want_array("values", values, (len(self.frames), len(types), None))
        if not np.issubdtype(np.asarray(types).dtype, np.integer) or np.ndim(types) != 1:
            fail("site_types must be a one-dimensional integer array, one type for each site")
        if self.descriptor.capabilities.per_atom and len(types) != self.frames.n_atoms:
            fail(f"it declares per_atom, but has {len(types)} sites for {self.frames.n_atoms} atoms")
        if self.descriptor.capabilities.differentiable:
            want_array("jacobian", self.fitted.jacobian(self.frames), (*values.shape, n_coordinates(self.frames), 3))
            pulled = self.fitted.pullback(self.frames, np.ones_like(values))
            want_array("pullback", pulled, (len(self.frames), n_coordinates(self.frames), 3))

    def input_not_changed(self) -> None:
        """Frames and gradients that it is given stay as they are."""
        # Other positions than those of the other checks: a defect may already have worked on these.
        before = displaced(self.frames)
        frames, gradient = copied(before), np.ones_like(self.values)
        self.fitted.values(frames)
        if self.descriptor.capabilities.differentiable:
            self.fitted.jacobian(frames)
            self.fitted.pullback(frames, gradient)
        for name in ("positions", "numbers", "cells"):
            if not np.array_equal(getattr(before, name), getattr(frames, name)):
                fail(f"it changes frames.{name}; work on a copy")
        if not np.array_equal(gradient, np.ones_like(gradient)):
            fail("pullback changes the gradient that it is given; work on a copy")

    def no_state_between_calls(self) -> None:
        """A structure has the same values after another one was described."""
        fitted = fresh(self.descriptor, self.frames)
        before = fitted.values(self.frames[:1]).copy()
        other = displaced(self.frames)
        fitted.values(other)
        if self.descriptor.capabilities.differentiable:
            fitted.pullback(other, np.ones_like(fitted.values(other)))
        if far(before, fitted.values(self.frames[:1]), SAME):
            fail("the same structure gives other values after another one was described; keep nothing between calls")

    def batch_equals_single(self) -> None:
        """Each frame has the same values and the same pullback alone and among others."""
        for k in range(len(self.frames)):
            if far(self.values[k : k + 1], self.fitted.values(self.frames[k : k + 1]), SAME):
                fail(f"values of frame {k} differ between a batch and a single call; frames must not see each other")
        if not self.descriptor.capabilities.differentiable:
            return
        gradient = np.cos(np.arange(self.values.size)).reshape(self.values.shape)
        together = self.fitted.pullback(self.frames, gradient)
        for k in range(len(self.frames)):
            if far(together[k], self.fitted.pullback(self.frames[k : k + 1], gradient[k : k + 1])[0], SAME):
                fail(f"the pullback of frame {k} differs between a batch and a single call")

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

    def save_and_load(self) -> None:
        """Made again from its parameters and state, it has the same values."""
        parameters = json.loads(json.dumps(self.fitted.model_dump(mode="json")))
        state = {name: np.array(array) for name, array in self.fitted.state.items()}
        again = type(self.descriptor)(**parameters).restore(state)
        if far(self.values, again.values(self.frames), SAME):
            fail("made again from its parameters and state, it gives other values; keep what it learned in state")

    def other_compositions(self) -> None:
        """Without ``fixed_composition`` it takes some of the atoms, in another order."""
        if self.descriptor.capabilities.fixed_composition:
            skip("it declares fixed_composition")
        fewer = np.arange(self.frames.n_atoms)[::-1][: max(1, self.frames.n_atoms - 2)]
        other = replace(self.frames, numbers=self.frames.numbers[fewer], positions=self.frames.positions[:, fewer])
        try:
            values, types = self.fitted.values(other), self.fitted.site_types(other.numbers)
        except Exception as error:  # noqa: BLE001
            fail(f"it fails for other atoms than it was fitted to ({error}); mend it, or declare fixed_composition")
        want_array("values of other atoms", values, (len(other), len(types), None))

    def one_atom_and_two_atoms(self) -> None:
        """The smallest systems have finite values, or are refused in words."""
        for frames in (atom(), pair(0.74)):
            values = described(self.descriptor, frames)
            if values is not None and not np.isfinite(values).all():
                fail(f"values of {frames.source} are not finite; give finite ones or raise UserError")

    def coincident_atoms(self) -> None:
        """Two atoms at one place give finite numbers, or are refused in words."""
        positions = self.frames.positions[:1].copy()
        positions[0, -1] = positions[0, -2]
        try:
            with np.errstate(all="ignore"):
                frame = moved(self.frames[:1], positions)
                found = [self.fitted.values(frame)]
                if self.descriptor.capabilities.differentiable:
                    found.append(self.fitted.pullback(frame, np.ones_like(found[0])))
        except UserError:
            return
        if not all(np.isfinite(array).all() for array in found):
            fail("two atoms at one place give numbers that are not finite; raise rfp_md.UserError that names them")

    def threads(self) -> None:
        """Several threads that describe at once get the same values."""
        with ThreadPoolExecutor(4) as executor:
            several = list(executor.map(lambda _: self.fitted.values(self.frames), range(16)))
        if any(far(self.values, values, SAME) for values in several):
            fail("several threads that describe at once get other values; do not share scratch space")

    def processes(self) -> None:
        """Another process gets the same values."""
        try:
            pickle.dumps(type(self.descriptor))
        except (pickle.PicklingError, AttributeError):
            skip("its class cannot be named from another process")
        package = type(self.descriptor), self.fitted.model_dump(), dict(self.fitted.state), self.frames
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor:
            values = executor.submit(describe_elsewhere, *package).result()
        if far(self.values, values, SAME):
            fail("another process gets other values; use no global or unseeded state")

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


def described(descriptor: Descriptor, frames: Frames) -> Floats | None:
    """Values of a descriptor fitted to these frames, or None where it refuses them in words."""
    try:
        return fresh(descriptor, frames).values(frames)
    except UserError:
        return None


def describe_elsewhere(
    kind: type[Descriptor], parameters: dict[str, Any], state: dict[str, NDArray[Any]], frames: Frames
) -> Floats:
    """Make the descriptor again in another process, and give its values."""
    return kind(**parameters).restore(state).values(frames)
