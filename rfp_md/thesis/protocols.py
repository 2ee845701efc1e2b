"""Which frames train and which test: three protocols.

rmd17    the official split 1: 1000 frames train, 1000 others test
clean    blocks of time: the first part of a trajectory trains, a later one tests, with a gap between and
         every frame once; a trajectory, or the rMD17 frames in their order of time
author   the draw of the author's code, as a control: 3000 frames drawn WITH replacement from 3001
         consecutive ones, then split at random 70/30, so that about half of the test frames repeat a
         training frame. Its errors say nothing about new frames.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import get_args

import numpy as np

from rfp_md.arrays import Ints
from rfp_md.errors import UserError
from rfp_md.evaluation.leakage import Leakage, audit
from rfp_md.frames import Dataset, Frames, formula
from rfp_md.io import read
from rfp_md.structures.fingerprints import Fingerprints
from rfp_md.thesis.options import Protocol

PROTOCOLS: tuple[Protocol, ...] = get_args(Protocol)
COMPOSITIONS = {
    "benzene": "H6C6",
    "uracil": "H4C4N2O2",
    "paracetamol": "H9C8NO2",
    "toluene": "H8C7",
    "ethanol": "H6C2O",
}
WINDOW, FIRST_FRAME = 3001, 999  # of the author's draw; a shorter trajectory is taken from its start
FEWEST = 50  # frames of a trajectory
TRAIN_SHARE, GAP_SHARE, MOST_TEST = 0.65, 0.06, 900


@dataclass(frozen=True, eq=False)
class Experiment:
    """Training and test frames of one molecule under one protocol.

    Attributes:
        centred: whether the mean training energy is taken off; the author's code learns total energies.
        repeated: which test frames repeat a training frame, bit for bit (M,).
    """

    train: Frames
    test: Frames
    centred: bool
    leakage: Leakage

    @cached_property
    def fingerprint(self) -> str:
        """A digest of all frames, so that results of other data are not taken for these."""
        return Dataset((self.train, self.test)).fingerprint()[:16]

    @cached_property
    def repeated(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Whether each test frame is among the training frames, bit for bit (n_test,)."""
        known = {structure.tobytes() for structure in self.train.positions}
        return np.array([structure.tobytes() in known for structure in self.test.positions])


def experiment(protocol: Protocol, molecule: str, folder: Path, rng: np.random.Generator) -> Experiment:
    """The frames of a molecule, split by one of the protocols.

    Args:
        folder: with ``rmd17_<molecule>_train_01.npz`` and ``…_test_01.npz`` in it or in its folder ``rmd17``; for
            ``author`` and ``clean`` a trajectory ``<molecule>.extxyz``, ``.xyz`` or ``.npz``.

    Raises:
        UserError: no such folder or file, or a file of another molecule.
    """
    if not folder.is_dir():
        raise UserError(f"--data {folder}: no such folder; it must hold the rMD17 files ('rfp data list' says whence)")
    if protocol == "rmd17":
        train, test = (_rmd17(folder, molecule, part) for part in ("train", "test"))
        return _experiment(train, test, centred=True)
    trajectory = _trajectory(folder, molecule)
    if protocol == "author":
        if trajectory is None:
            raise UserError(
                f"--data {folder}: protocol author needs a trajectory of consecutive frames, {molecule}.extxyz or "
                f"{molecule}.npz; 'rfp sample' makes one, 'rfp data fetch' brings MD17's"
            )
        return _author(trajectory, rng)
    if trajectory is None:
        parts = Dataset(tuple(_rmd17(folder, molecule, part) for part in ("train", "test")))
        trajectory = parts.one_composition("protocol clean")
    return _clean(trajectory)


def _long_enough(trajectory: Frames) -> None:
    if len(trajectory) < FEWEST:
        raise UserError(f"{trajectory.source}: has {len(trajectory)} frames, but a trajectory needs at least {FEWEST}")


def _author(trajectory: Frames, rng: np.random.Generator) -> Experiment:
    if trajectory.steps is not None and (np.diff(trajectory.steps) != 1).any():
        raise UserError(
            f"{trajectory.source}: protocol author needs every step of a trajectory, but steps are left out"
        )
    _long_enough(trajectory)
    start = FIRST_FRAME if len(trajectory) >= FIRST_FRAME + WINDOW else 0
    window = min(WINDOW, len(trajectory) - start)
    drawn = start + rng.integers(0, window, window - 1)
    n_train = round(0.7 * len(drawn))
    return _experiment(trajectory[drawn[:n_train]], trajectory[drawn[n_train:]], centred=False)


def _clean(trajectory: Frames) -> Experiment:
    order = np.arange(len(trajectory)) if trajectory.steps is None else np.argsort(trajectory.steps, kind="stable")
    _, first = np.unique(trajectory.positions[order].reshape(len(order), -1), axis=0, return_index=True)
    order = order[np.sort(first)]
    _long_enough(trajectory)
    n_train, gap = int(TRAIN_SHARE * len(order)), int(GAP_SHARE * len(order))
    test: Ints = order[n_train + gap :][:MOST_TEST]
    return _experiment(trajectory[order[:n_train]], trajectory[test], centred=True)


def _experiment(train: Frames, test: Frames, *, centred: bool) -> Experiment:
    leakage = audit(*(Fingerprints.of(Dataset((part,))) for part in (train, test)))
    return Experiment(train, test, centred, leakage)


def _rmd17(folder: Path, molecule: str, part: str) -> Frames:
    name = f"rmd17_{molecule}_{part}_01.npz"
    path = next((where / name for where in (folder, folder / "rmd17") if (where / name).is_file()), None)
    if path is None:
        raise UserError(f"--data {folder}: has no {name}; 'rfp data fetch' brings it")
    return _read(path, molecule)


def _trajectory(folder: Path, molecule: str) -> Frames | None:
    paths = [folder / f"{molecule}{ending}" for ending in (".extxyz", ".xyz", ".npz")]
    path = next((path for path in paths if path.is_file()), None)
    return _read(path, molecule) if path else None


def _read(path: Path, molecule: str) -> Frames:
    block = read(path).one_composition("the thesis's models")
    found = formula(np.sort(block.numbers))
    if found != COMPOSITIONS[molecule]:
        raise UserError(f"{path}: should be {molecule}, {COMPOSITIONS[molecule]}, but is {found}; give the right file")
    if block.energies is None or block.forces is None:
        raise UserError(f"{path}: has no energies or no forces")
    return block
