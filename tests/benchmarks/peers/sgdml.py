"""sGDML: the symmetric gradient-domain kernel, its length scale chosen on validation frames as `sgdml all` does.

Runs in an environment of its own, for it needs numpy<2 and torch: `make_environment`. Training frames that are not
used to fit choose the length scale. The closed-form solver holds three matrices of (3 N M)² numbers, so that 1000
frames of ethanol exhaust 24 GB.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.peers.measure import KCAL_PER_MOL, Compute, Floats, Molecule, arguments, judge, report

PACKAGES = ("sgdml==1.0.3", "numpy<2", "torch")
SCALES = range(10, 100, 10)  # what `sgdml create` tries
VALIDATION = 200


def make_environment(python: Path) -> None:
    """The environment whose interpreter this path is to be."""
    subprocess.run([sys.executable, "-m", "venv", str(python.parent.parent)], check=True)
    subprocess.run([str(python), "-m", "pip", "install", "--quiet", *PACKAGES], check=True)


def dataset(frames: Molecule, name: str) -> dict[str, Any]:
    """As numpy reads one of sGDML's own files."""
    return {
        "type": np.array("d"),
        "name": np.array(name),
        "theory": np.array("unknown"),
        "z": frames.numbers.astype(np.uint8),
        "R": frames.positions,
        "E": frames.energies,
        "F": frames.forces,
        "r_unit": np.array("Ang"),
        "e_unit": np.array("kcal/mol"),
    }


def compute(model: dict[str, Any], processes: int) -> Compute:
    from sgdml.predict import GDMLPredict

    predictor = GDMLPredict(model, max_processes=processes)
    predictor.prepare_parallel(n_bulk=1)

    def call(positions: Floats) -> tuple[float, Floats]:
        energies, forces = predictor.predict(positions.reshape(1, -1))
        return float(energies[0]), forces.reshape(-1, 3)

    return call


def fit(trainer: Any, train: Molecule, validation: Molecule, processes: int) -> dict[str, Any]:
    """The model of the first length scale after which the validation error grows."""
    pair = dataset(train, "train"), dataset(validation, "valid")
    task = trainer.create_task(pair[0], len(train), pair[1], len(validation), sig=SCALES[0])
    best: tuple[float, dict[str, Any]] | None = None
    for scale in SCALES:
        model = trainer.train({**task, "sig": scale})
        error = judge(compute(model, processes), validation, KCAL_PER_MOL)["force_mae_mev_per_angstrom"]
        if best is not None and error > best[0]:
            break
        best = error, model
    assert best is not None
    return best[1]


def main() -> None:
    options = arguments(__doc__).parse_args()
    frames, test = Molecule.read(options.train), Molecule.read(options.test)[: options.test_frames]
    train, validation = frames[: options.frames], frames[options.frames :][:VALIDATION]
    if not len(validation):
        raise SystemExit(f"--frames {options.frames}: leaves none of the training frames for validation")
    from sgdml.train import GDMLTrain

    processes = len(os.sched_getaffinity(0))
    with contextlib.redirect_stdout(sys.stderr):
        trainer = GDMLTrain(max_processes=processes)
        start = time.perf_counter()
        model = fit(trainer, train, validation, processes)
        seconds = time.perf_counter() - start
        row = judge(compute(model, processes), test, KCAL_PER_MOL)
    settings = {"sig": int(model["sig"]), "permutations": len(model["perms"]), "validation_frames": len(validation)}
    report({"frames": len(train), "fit_s": seconds, **row, "settings": settings}, "sgdml", "numpy")


if __name__ == "__main__":
    main()
