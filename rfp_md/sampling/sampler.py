"""Dynamics that keeps one frame every so many steps, and loses nothing when it is killed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ase import Atoms

from rfp_md.dynamics.motion import BlownUp, Motion
from rfp_md.errors import UserError
from rfp_md.files.resumable import Resumable
from rfp_md.progress import Progress
from rfp_md.sampling.labels import labelled
from rfp_md.sampling.options import SampleOptions


@dataclass(frozen=True, eq=False)
class Sampler:
    """One run from its start, or from its last checkpoint, to its last frame.

    Attributes:
        atoms: with their calculator, which ``motion`` moves.
        info: what every frame says of itself; ``level_of_theory`` is the calculator's name in messages.
    """

    options: SampleOptions
    atoms: Atoms
    motion: Motion
    file: Resumable
    info: dict[str, Any]
    progress: Progress

    @property
    def steps(self) -> int:
        """The number of steps of the whole run."""
        return steps_of(self.options)

    def run(self) -> int:
        """Make the frames that are missing, and move the file to its place. How many frames were there before."""
        with self.file.open():
            self._begin()
            known = max(0, self.motion.step - self.options.warm_up) // self.options.stride
            self.progress.start("sampling", self.steps - self.motion.step, "steps")
            try:
                while self.motion.step < self.steps:
                    self._advance()
            except (KeyboardInterrupt, SystemExit):
                stopped = f"stopped at step {self.motion.step} of {self.steps}"
                self.progress.message(f"{self.file.output}: {stopped}; the same command goes on")
                raise
            self.file.finish()
        return known

    def _begin(self) -> None:
        """Go back to the last checkpoint, or make the first one."""
        if self.file.state:
            self.motion.restore(self.file.state)
            self.progress.message(f"{self.file.output}: goes on from step {self.motion.step} of {self.steps}")
            return
        with self._explained():
            self.motion.begin()
        self.file.save(self.motion.state())

    def _advance(self) -> None:
        """One step, and at the end of a stride a frame, once the system is warm, and a checkpoint."""
        with self._explained():
            self.motion.advance()
        self.progress.advance(1)
        step, options = self.motion.step, self.options
        if (step - options.warm_up) % options.stride:
            return
        if step > options.warm_up:
            moment = {"step": step, "time_fs": round(step * options.timestep, 6)}
            with self._explained():
                frame = labelled(self.atoms, self.info | moment)
            self.file.append(frame)
        self.file.save(self.motion.state())

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        """Whatever the calculator raises becomes one sentence."""
        theory = self.info["level_of_theory"]
        try:
            yield
        except BlownUp as error:
            raise UserError(
                f"{theory}: the run blew up in step {self.motion.step} ({error}); take a smaller --timestep, or a "
                "START nearer to a minimum of the energy"
            ) from error
        except Exception as error:
            kept = "; what is there is kept, and the same command goes on from it" if self.motion.step else ""
            raise UserError(
                f"{theory}: failed after step {self.motion.step} ({type(error).__name__}: {error}); check START, "
                f"--calculator-arg and --timestep{kept}"
            ) from error


def steps_of(options: SampleOptions) -> int:
    """The number of steps of a whole run."""
    return options.warm_up + options.frames * options.stride
