"""What a frame costs that is added to the normal equations: cells of 64 to 1000 silicon atoms, per atom.

    python -m tests.benchmarks.supercells [--features K] [--before CHECKOUT] [--repeat N]

The frames are rattled diamond cells with forces and stresses; a time is that of describing one frame, of its rows and
of adding them, the median of some after a warm-up, in a process of its own, whose peak memory is told beside it (all of
it: the interpreter and its libraries too, about 150 MB). ``--before`` is a folder with the package as it was at commit
266382e (``git worktree add CHECKOUT 266382e``), measured in turn with this one. Prints Markdown.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from ase.build import bulk

CELLS = (64, 216, 512, 1000)  # cubes of diamond's cell of eight
LATTICE_CONSTANT, RATTLE, SEED = 5.43, 0.05, 0  # Å
REPEATS = 3


def silicon(atoms: int, n_frames: int) -> Any:
    """Rattled cells with labels; what they are does not matter to the time."""
    from rfp_md.frames import Frames

    cells = round((atoms / 8) ** (1 / 3))
    box = bulk("Si", "diamond", LATTICE_CONSTANT, cubic=True) * (cells, cells, cells)
    rng = np.random.default_rng(SEED)
    positions = box.positions + RATTLE * rng.standard_normal((n_frames, len(box), 3))
    return Frames(
        box.numbers.astype(np.int64),
        positions,
        energies=rng.standard_normal(n_frames),
        forces=rng.standard_normal(positions.shape),
        cells=np.tile(box.cell.array, (n_frames, 1, 1)),
        pbc=(True, True, True),
        stresses=1e-3 * rng.standard_normal((n_frames, 3, 3)),
    )


def adder(features: int, frames: Any) -> Callable[[], None]:
    """What adds one frame to the normal equations of so many features, with this version of the package."""
    from rfp_md.frames import Dataset
    from rfp_md.progress import Progress
    from rfp_md.regressors.random_fourier import RandomFourier

    small = Dataset((silicon(64, 3),))
    regressor, rng = RandomFourier(width=features), np.random.default_rng(SEED)
    try:
        from rfp_md.regressors.fitting.accumulate import Accumulator
    except ModuleNotFoundError:
        return _adder_before(regressor, features, small, frames)
    from rfp_md.descriptors.many_body import ManyBody
    from rfp_md.training.samples import DescribedFrames

    descriptor = ManyBody()
    descriptor.fit(small)
    samples, more = (DescribedFrames(part, [descriptor]) for part in (small, Dataset((frames,))))
    plan = regressor.plan(regressor.survey(samples, samples, rng), [features])
    accumulator = Accumulator(regressor.draw_blocks(plan.kept, rng), [10**6] * 3)
    return lambda: accumulator.stream(more, 1, Progress())


def _adder_before(regressor: Any, features: int, small: Any, frames: Any) -> Callable[[], None]:
    """The same at commit 266382e."""
    from rfp_md.described import DescribedFrames  # type: ignore[import-not-found]
    from rfp_md.regressors.joint_fit import JointFit  # type: ignore[import-not-found]

    from rfp_md.descriptors.many_body import ManyBody
    from rfp_md.frames import Dataset
    from rfp_md.potential import Baseline  # type: ignore[attr-defined]
    from rfp_md.progress import Progress

    rng, descriptor, baseline = np.random.default_rng(SEED), ManyBody(), Baseline.fit(small)
    descriptor.fit(small)
    samples, more = (DescribedFrames(part, [descriptor], baseline) for part in (small, Dataset((frames,))))
    pools = regressor._pools(samples, list(samples.batches(3, derivatives=False)), [features], features)
    fit = JointFit(regressor._draw_blocks(pools, rng), [10**6] * 3, 1, Progress())
    return lambda: fit.add(more, "")


def measure(atoms: int, features: int) -> dict[str, float]:
    """Seconds of one frame, the median of some, and the peak memory of this process, MB."""
    add = adder(features, silicon(atoms, 1))
    add()
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        add()
        times.append(time.perf_counter() - start)
    return {"seconds": median(times), "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def elsewhere(checkout: Path, atoms: int, features: int) -> dict[str, float]:
    """``measure`` in a process of its own, with the package of a folder."""
    # As `rfp` sets it; else idle threads of numpy's BLAS and scipy's get into each other's way.
    environment = os.environ | {"PYTHONPATH": str(checkout), "OPENBLAS_THREAD_TIMEOUT": "10"}
    command = [sys.executable, str(Path(__file__).resolve()), "--one", str(atoms), "--features", str(features)]
    found = subprocess.run(command, env=environment, cwd=checkout, capture_output=True, text=True, check=False)
    if found.returncode:
        sys.exit(found.stderr)
    result: dict[str, float] = json.loads(found.stdout)
    return result


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--features", type=int, default=1000)
    parser.add_argument("--before", type=Path, help="a folder with the package at commit 266382e")
    parser.add_argument("--repeat", type=int, default=3, help="processes of each kind, in turn")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measure(arguments.one, arguments.features)))
        return
    here = Path(__file__).parents[2]
    folders = {"now": here} | ({"before": arguments.before} if arguments.before else {})
    print(f"One frame, {arguments.features} features; ms for an atom (peak memory of the process, MB)\n")
    print("| atoms | " + " | ".join(folders) + (" | before / now |" if arguments.before else " |"))
    print("|---" * (1 + len(folders) + bool(arguments.before)) + "|")
    for atoms in CELLS:
        runs: dict[str, list[dict[str, float]]] = {name: [] for name in folders}
        for _ in range(arguments.repeat):
            for name, folder in folders.items():
                runs[name].append(elsewhere(folder, atoms, arguments.features))
        seconds = {name: median(run["seconds"] for run in found) for name, found in runs.items()}
        memory = {name: max(run["mb"] for run in found) for name, found in runs.items()}
        cells = [f"{1e3 * seconds[name] / atoms:.2f} ({memory[name]:.0f})" for name in folders]
        ratio = [f"{seconds['before'] / seconds['now']:.1f}"] if arguments.before else []
        print(f"| {atoms} | " + " | ".join([*cells, *ratio]) + " |", flush=True)


if __name__ == "__main__":
    main()
