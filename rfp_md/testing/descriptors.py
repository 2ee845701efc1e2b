"""Checks of a descriptor: what its callers rely on; those of its geometry are in ``descriptor_geometry``."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rfp_md.arrays import Floats
from rfp_md.descriptors.base import Descriptor
from rfp_md.errors import UserError
from rfp_md.frames import Frames
from rfp_md.plugins.arrays import Surroundings
from rfp_md.plugins.guard import check_fitted
from rfp_md.sites import n_coordinates
from rfp_md.testing.descriptor_geometry import SAME, GeometryChecks, fresh
from rfp_md.testing.made_again import made_again
from rfp_md.testing.numbers import copied, displaced, far, want_array
from rfp_md.testing.outcomes import Outcome, fail, raise_failures, run_checks, skip
from rfp_md.testing.structures import atom, crystal, molecule, moved, pair


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
class DescriptorChecks(GeometryChecks):
    """All checks of one descriptor on one block of frames: the geometry's, and what its callers rely on."""

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

    def save_and_load(self) -> None:
        """Made again from its parameters and state, it has the same values."""
        elements = tuple(sorted(set(self.frames.numbers.tolist())))
        again = made_again(self.fitted, Surroundings(elements, self.frames.n_atoms))
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
