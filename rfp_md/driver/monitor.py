"""What is watched while a run goes on: whether the energy follows the work of the forces, and the user's limits.

The mismatch of energy and work (``rfp_md.driver.trajectories``) says whether the forces are the gradient of the energy.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rfp_md.arrays import Ints
from rfp_md.driver.trajectories import JUMP, Trajectories, cells_of
from rfp_md.errors import UserError
from rfp_md.frames import Frames
from rfp_md.prediction import Committee, Prediction
from rfp_md.structures.contacts import closest_pair

MEV = 1e3


class LimitError(UserError):
    """A limit that the user has set is passed: the whole run is to end, whoever else is served."""


class Monitor:
    """Watches what is served: the mismatch of every trajectory, meV/atom, and the limits that stop a run.

    Args:
        n_atoms: of a structure.
        max_mismatch: stop where a trajectory's mismatch is larger, meV/atom.
        min_distance: stop where two atoms come closer, Å.
        max_uncertainty: stop where an atom's force is more uncertain, eV/Å (standard deviation of the vector).
        log: is told one line every ``log_every`` evaluations.
    """

    def __init__(
        self,
        n_atoms: int,
        log: Callable[[str], None],
        *,
        log_every: int = 100_000,
        max_mismatch: float | None = None,
        min_distance: float | None = None,
        max_uncertainty: float | None = None,
    ) -> None:
        self.evaluations = 0
        self._n_atoms, self._log, self._log_every = n_atoms, log, log_every
        self._max_mismatch, self._min_distance = max_mismatch, min_distance
        self._max_uncertainty = max_uncertainty
        self._trajectories = Trajectories(n_atoms)
        self._jumps = 0
        self._told = False  # that a trajectory jumped
        self._warned = max_mismatch is None  # that a limit of the mismatch means little
        self._last = -1  # the trajectory that the last structure belongs to
        self._largest = 0.0  # |mismatch|, meV/atom

    def check_distances(self, frames: Frames) -> None:
        """Raise LimitError, naming step and atoms, where two of them are too close; before anything is computed."""
        if self._min_distance is None:
            return
        for positions, cell in zip(frames.positions, cells_of(frames), strict=True):
            first, second, distance = closest_pair(positions, cell, frames.pbc, self._min_distance)
            if distance < self._min_distance:
                other = _name(frames, second) if first != second else "its own periodic image"
                raise LimitError(
                    f"stopped: atoms {_name(frames, first)} and {other} are {distance:.3f} Å apart in "
                    f"evaluation {self.evaluations + 1}, closer than --min-distance {self._min_distance:g}"
                )

    def check_uncertainty(self, frames: Frames, committee: Committee) -> None:
        """Raise LimitError, naming step and atom, where a force is too uncertain; before it is used."""
        if self._max_uncertainty is None:
            return
        atoms = committee.spread.atoms
        structure, atom = (int(k) for k in np.unravel_index(np.argmax(atoms), atoms.shape))
        largest = float(atoms[structure, atom])
        if largest > self._max_uncertainty:
            raise LimitError(
                f"stopped: the force on atom {_name(frames, atom)} is uncertain by {largest:.3g} eV/Å in "
                f"evaluation {self.evaluations + 1 + structure}, more than --max-uncertainty {self._max_uncertainty:g}"
            )

    def observe(self, frames: Frames, prediction: Prediction) -> list[float]:
        """Take structures with their results, and give the mismatch of the trajectory of each, meV/atom.

        Raises:
            LimitError: one is larger than ``max_mismatch``.
        """
        before = self.evaluations
        places, began, jumped = self._trajectories.extend(frames, prediction, before + 1)
        self._jumps += began
        self.evaluations += len(frames)
        if jumped and before:
            self._tell_jump()
        if len(frames) > 1 or (not began and places[0] != self._last):
            self._warn_of_guesses()
        self._last = int(places[-1])
        figures = [float(value) for value in self._trajectories.mismatch[places] * (MEV / self._n_atoms)]
        self._check_mismatch(figures, places)
        if before // self._log_every < self.evaluations // self._log_every:
            self._log(self.summary())
        return figures

    def summary(self) -> str:
        """Say in one line what was served, and how far energy and work are apart."""
        seen = self._trajectories.seen
        known = seen > 0
        if not known.any():
            return "0 evaluations"
        last = self._trajectories.mismatch[np.argmax(seen)] * (MEV / self._n_atoms)
        return (
            f"{self.evaluations} evaluations of {known.sum()} trajectories ({self._jumps} beginnings or jumps); "
            f"energy − work {last:+.2g} meV/atom at the end, at most {self._largest:.2g}"
        )

    def _tell_jump(self) -> None:
        """Say once that a structure continues no trajectory."""
        if not self._told:
            self._told = True
            self._log(
                f"evaluation {self.evaluations} continues no trajectory: an atom moved by over {JUMP} Å. A new "
                "run, an exchange, atoms that fly apart or were wrapped? Its mismatch begins anew"
            )

    def _warn_of_guesses(self) -> None:
        """Say once that there are several trajectories, so that a limit of the mismatch means little."""
        if not self._warned:
            self._warned = True
            self._log(
                "warning: several trajectories are served at once (beads, replicas), and which of them a structure "
                "continues is a guess; the figure that --max-mismatch limits is noise where it is wrong, so leave "
                "--max-mismatch out, or trust it for a single trajectory only"
            )

    def _check_mismatch(self, figures: list[float], places: Ints) -> None:
        """Keep the largest mismatch, and raise LimitError where one of these, meV/atom, is beyond the limit."""
        worst = max(figures, key=abs)
        self._largest = max(self._largest, abs(worst))
        if self._max_mismatch is not None and abs(worst) > self._max_mismatch:
            steps = self._trajectories.steps[places[figures.index(worst)]]
            raise LimitError(
                f"stopped: energy and work differ by {worst:.3g} meV/atom after {steps} steps of a "
                f"trajectory (evaluation {self.evaluations}), more than --max-mismatch {self._max_mismatch:g}"
            )


def _name(frames: Frames, atom: int) -> str:
    from ase.data import chemical_symbols

    return f"{chemical_symbols[frames.numbers[atom]]}{atom}"
