"""What the rows have in common: the same frames, the same cores, the same clock, one line of JSON.

Imports numpy only: the peers do not all run in one environment.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Compute = Callable[[Floats], tuple[float, Floats]]  # positions (N, 3), Å -> energy, forces (N, 3)

EV = 1000.0  # in meV
KCAL_PER_MOL = 43.36410390059322  # in meV, the unit of the rMD17 files
WARM_UP = 10
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


@dataclass(frozen=True)
class Molecule:
    """Frames of an rMD17 file as they stand: Å, kcal/mol, kcal/mol/Å."""

    numbers: NDArray[np.int32]
    positions: Floats
    energies: Floats
    forces: Floats

    @classmethod
    def read(cls, path: str) -> Molecule:
        with np.load(path) as file:
            return cls(file["nuclear_charges"].astype(np.int32), file["coords"], file["energies"], file["forces"])

    def __len__(self) -> int:
        return len(self.positions)

    def __getitem__(self, part: slice) -> Molecule:
        return replace(self, positions=self.positions[part], energies=self.energies[part], forces=self.forces[part])


def use_cores(count: int) -> None:
    """Keep this process and those it starts to so many cores and threads."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:count])
    os.environ.update(dict.fromkeys(THREADS, str(count)))


def clock(compute: Compute, structures: Iterable[Floats]) -> tuple[list[tuple[float, Floats]], list[float]]:
    """What a model says of each structure, one at a time, and how many seconds each call took."""
    results, seconds = [], []
    for positions in structures:
        start = time.perf_counter()
        results.append(compute(positions))
        seconds.append(time.perf_counter() - start)
    return results, seconds


def judge(compute: Compute, test: Molecule, unit: float, *, shift: bool = False) -> dict[str, float]:
    """Errors on the test frames and the median time of the very calls that gave them.

    Args:
        unit: the model's unit of energy, in meV.
        shift: take the mean off the energies' errors first, for a method with another zero of energy.
    """
    clock(compute, test.positions[:WARM_UP])
    results, seconds = clock(compute, test.positions)
    energies = unit * np.array([energy for energy, _ in results]) - KCAL_PER_MOL * test.energies
    forces = unit * np.array([force for _, force in results]) - KCAL_PER_MOL * test.forces
    if shift:
        energies -= energies.mean()
    return {
        "force_mae_mev_per_angstrom": float(np.abs(forces).mean()),
        "energy_mae_mev": float(np.abs(energies).mean()),
        "us_per_call": 1e6 * float(np.median(seconds)),
        "test_frames": len(test),
    }


def median_us(compute: Compute, structures: Floats, seconds: float = 3.0) -> tuple[float, int]:
    """The median time of a call in µs, and the number of calls: as many as fit into so many seconds, at least 3."""
    start = time.perf_counter()
    clock(compute, structures[:1])
    once = time.perf_counter() - start
    if once < seconds / 10:
        clock(compute, structures[:WARM_UP])
    times: list[float] = []
    start = time.perf_counter()
    while len(times) < 3 or time.perf_counter() - start < seconds:
        times += clock(compute, structures[len(times) % len(structures) :][:1])[1]
    return 1e6 * float(np.median(times)), len(times)


def memory_gb() -> float:
    """Of the machine, GB."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9


def arguments(description: str | None) -> argparse.ArgumentParser:
    """Of a peer that is run as a program: files of training and test frames, and how many of each to use."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("train")
    parser.add_argument("test")
    parser.add_argument("--frames", type=int, default=1000)
    parser.add_argument("--test-frames", type=int, default=1000)
    return parser


def report(row: dict[str, Any], *packages: str) -> None:
    """Print a row as the last line of the output."""
    versions = {name: version(name) for name in packages}
    print(json.dumps({**row, "versions": versions, "python": sys.version.split()[0]}), flush=True)
