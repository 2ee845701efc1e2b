"""Checks of a baseline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from rfp_md.arrays import Floats
from rfp_md.baselines.base import Baseline
from rfp_md.frames import Dataset, Frames
from rfp_md.linalg.differences import central_difference
from rfp_md.plugins.arrays import Surroundings
from rfp_md.plugins.guard import check_fitted
from rfp_md.prediction import Prediction
from rfp_md.structures.strain import strained
from rfp_md.testing.made_again import made_again
from rfp_md.testing.numbers import copied, displaced, far, want_array
from rfp_md.testing.outcomes import Outcome, fail, raise_failures, run_checks
from rfp_md.testing.structures import crystal, molecule

SAME = 1e-10  # the same computation done twice or in another order, relative to the largest number
DERIVATIVE = 1e-6  # against central differences, relative to the largest number, or to 1 eV/Å or 1 eV
STEP = 1e-3  # Å, or of strain; energies may be large, so that shorter steps are noisy
PARTS = ("energies", "forces", "virials")


def check_baseline(baseline: Baseline, frames: Frames | None = None) -> None:
    """Raise AssertionError with one sentence for each defect.

    Args:
        baseline: as made from its parameters, not yet fitted.
        frames: a few similar structures to try it on; default: rattled ethanol and, for a periodic baseline, rattled
            silicon beside it.
    """
    raise_failures(baseline.name, baseline_outcomes(baseline, frames))


def baseline_outcomes(baseline: Baseline, frames: Frames | None = None) -> list[Outcome]:
    """Run every check; nothing is raised."""
    checks = BaselineChecks(baseline, molecule() if frames is None else frames)
    outcomes = run_checks([checks.fits])
    if outcomes[0].status == "failed":
        return outcomes  # every other check would only say the same
    outcomes += run_checks(checks.all())
    if baseline.capabilities.periodic and frames is None:
        found = run_checks(BaselineChecks(baseline, crystal()).in_a_crystal())
        outcomes += [replace(outcome, check=f"{outcome.check} (crystal)") for outcome in found]
    return outcomes


@dataclass(frozen=True)
class BaselineChecks:
    """The checks of one baseline on one block of frames."""

    baseline: Baseline
    frames: Frames

    def all(self) -> list[Callable[[], None]]:
        """Every check that applies to a molecule, in the order of the table."""
        return [
            self.documented,
            *self.in_a_crystal(),
            self.input_not_changed,
            self.save_and_load,
            self.other_compositions,
        ]

    def in_a_crystal(self) -> list[Callable[[], None]]:
        """The checks that are made in a periodic cell too."""
        return [
            self.shapes_and_dtypes,
            self.energies_alone,
            self.batch_equals_single,
            self.forces,
            self.virials,
        ]

    @cached_property
    def fitted(self) -> Baseline:
        """A new baseline of the same parameters, fitted to the frames with labels of ordinary sizes."""
        new = type(self.baseline)(**self.baseline.model_dump())
        new.fit(Dataset((with_labels(self.frames),)))
        return new

    @cached_property
    def computed(self) -> Prediction:
        """What it says of the frames."""
        return self.fitted.compute(self.frames)

    def fits(self) -> None:
        """It can be fitted, and what it learns can be stored."""
        check_fitted(self.fitted)

    def documented(self) -> None:
        """Its class has a docstring, which is its documentation."""
        if not type(self.baseline).__doc__:
            fail("its class has no docstring; write the equation and its source, which is its documentation")

    def shapes_and_dtypes(self) -> None:
        """It gives energies, forces and virials as finite float64 arrays of the right shapes."""
        if not isinstance(self.computed, Prediction):
            fail(f"compute returns {type(self.computed).__name__}; return a rfp_md.prediction.Prediction")
        n = len(self.frames)
        for part, shape in zip(PARTS, ((n,), self.frames.positions.shape, (n, 3, 3)), strict=True):
            want_array(f"compute, {part},", getattr(self.computed, part), shape)
        want_array("energies", self.fitted.energies(self.frames), (n,))

    def energies_alone(self) -> None:
        """``energies`` gives the same energies as ``compute``."""
        if far(self.computed.energies, self.fitted.energies(self.frames), SAME):
            fail("energies gives other numbers than compute; derive one from the other")

    def batch_equals_single(self) -> None:
        """Each frame has the same numbers alone and among others."""
        for k in range(len(self.frames)):
            alone = self.fitted.compute(self.frames[k : k + 1])
            for part in PARTS:
                if far(getattr(self.computed, part)[k : k + 1], getattr(alone, part), SAME):
                    fail(
                        f"{part} of frame {k} differ between a batch and a single call; frames must not see each other"
                    )

    def forces(self) -> None:
        """Forces are −dE/dr, against central differences of the energy."""
        structure = self.frames.positions[0]
        moves = STEP * np.eye(structure.size).reshape(-1, *structure.shape)
        numerical = -central_difference(lambda t: self.fitted.energies(self.frames[:1].at(structure + t * moves)), STEP)
        self.compare(self.computed.forces[0].ravel(), numerical, "force", "−dE/dr")

    def virials(self) -> None:
        """Virials are −dE/dstrain, against central differences with positions and cell strained together."""
        strains = STEP * np.eye(9).reshape(9, 3, 3)

        def energies(factor: float) -> Floats:
            frames = [strained(self.frames[:1], factor * strain) for strain in strains]
            return np.array([self.fitted.energies(frame)[0] for frame in frames])

        self.compare(self.computed.virials[0].ravel(), -central_difference(energies, STEP), "virial", "−dE/dstrain")

    def input_not_changed(self) -> None:
        """The frames that it is given stay as they are."""
        before = displaced(self.frames)
        frames = copied(before)
        self.fitted.compute(frames)
        self.fitted.energies(frames)
        for name in ("positions", "numbers", "cells"):
            if not np.array_equal(getattr(before, name), getattr(frames, name)):
                fail(f"it changes frames.{name}; work on a copy")

    def save_and_load(self) -> None:
        """Made again from its parameters and state, it says the same."""
        elements = tuple(sorted(set(self.frames.numbers.tolist())))
        again = made_again(self.fitted, Surroundings(elements, self.frames.n_atoms)).compute(self.frames)
        if any(far(getattr(self.computed, part), getattr(again, part), SAME) for part in PARTS):
            fail("made again from its parameters and state, it gives other numbers; keep what it learned in state")

    def other_compositions(self) -> None:
        """Some of the atoms, in another order: a model may be asked for any structure of its elements."""
        fewer = np.arange(self.frames.n_atoms)[::-1][: max(1, self.frames.n_atoms - 2)]
        other = replace(self.frames, numbers=self.frames.numbers[fewer], positions=self.frames.positions[:, fewer])
        want_array("energies of other atoms", self.fitted.energies(other), (len(other),))

    def compare(self, analytic: Floats, numerical: Floats, what: str, formula: str) -> None:
        """Fail where a derivative (n,) is off from central differences, naming the atom or row where it is worst."""
        error = np.abs(analytic - numerical)
        if error.max() > DERIVATIVE * max(1.0, np.abs(numerical).max()):
            k = int(error.argmax())
            where = f"{'atom' if what == 'force' else 'row'} {k // 3}, {'xyz'[k % 3]}"
            fail(
                f"the {what} at {where} is {analytic[k]:.6g}, but central differences of the energy give "
                f"{numerical[k]:.6g}; it is {formula}"
            )


def with_labels(frames: Frames) -> Frames:
    """The structures with energies, forces and stresses of ordinary sizes, for a baseline that learns from them."""
    n, shape = len(frames), frames.positions.shape
    stresses = 0.01 * np.sin(np.arange(9.0 * n)).reshape(n, 3, 3) if frames.periodic else None
    return replace(
        frames,
        energies=-100.0 * frames.n_atoms + np.sin(np.arange(float(n))),
        forces=np.sin(np.arange(float(frames.positions.size))).reshape(shape),
        stresses=stresses,
    )
