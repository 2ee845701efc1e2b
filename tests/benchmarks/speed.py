"""What energy and forces of one structure cost: molecules of 9 to 20 atoms, and boxes of 64 to 4096 silicon atoms.

    python -m tests.benchmarks.speed [--data FOLDER] [--molecule MODEL.rfp]... [--silicon MODEL.rfp]...

Each model of a molecule is timed on the molecules that it knows, each model of silicon on diamond cells, rattled by a
seed; models come from `rfp train`, or from `accuracy.py --models FOLDER`. Beside them GFN2-xTB (boxes up to
`--xtb-atoms`) and kernelforge's local random features (molecules only; the time of a call does not depend on the
frames that the features were fitted to, so that few are used).

Every measurement has a process of its own, with the same cores; the time is the median of as many single calls, after a
warm-up, as fit into `--seconds`, and at least three. The time of an atom should not depend on the box. Prints Markdown.
"""

from __future__ import annotations

import argparse
import importlib.util
import multiprocessing
import os
import resource
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import numpy as np
from ase.build import bulk

import rfp_md
from tests.benchmarks.options import with_data
from tests.benchmarks.peers import rfp
from tests.benchmarks.peers.measure import Compute, Floats, Molecule, median_us, use_cores

MOLECULES = ("ethanol", "uracil", "toluene", "paracetamol")
BOXES = (64, 216, 512, 1000, 4096)  # cubes of diamond's cell of eight
LATTICE_CONSTANT, RATTLE, SEED = 5.43, 0.05, 0  # Å
FEW = 20  # frames that kernelforge is fitted to


def silicon(atoms: int) -> Any:
    cells = round((atoms / 8) ** (1 / 3))
    box = bulk("Si", "diamond", LATTICE_CONSTANT, cubic=True) * (cells, cells, cells)
    box.rattle(RATTLE, seed=SEED)
    return box


def rfp_molecule(molecule: Molecule, model: Path) -> Compute:
    return rfp.compute(model, molecule.numbers)


def xtb_molecule(molecule: Molecule) -> Compute:
    from tests.benchmarks.peers import xtb

    return xtb.compute(molecule.numbers)


def kernelforge_molecule(molecule: Molecule) -> Compute:
    from tests.benchmarks.peers import kernelforge

    return kernelforge.compute(kernelforge.fit("rff", molecule[:FEW]), molecule)


def rfp_box(box: Any, model: Path) -> Compute:
    return rfp.compute(model, box.numbers, np.array(box.cell))


def xtb_box(box: Any) -> Compute:
    from tests.benchmarks.peers import xtb

    return xtb.compute(box.numbers, np.array(box.cell))


def measure(make: Callable[..., Compute], structure: Any, extra: tuple[Any, ...], seconds: float) -> tuple[float, ...]:
    """The time of a call in µs, the number of calls and the peak memory in GB, in a process that does nothing else."""
    positions: Floats = structure.positions
    if positions.ndim == 2:  # two boxes in turn, so that no call repeats the one before it
        positions = np.array([positions, np.random.default_rng(SEED).normal(positions, 1e-3)])
    time, calls = median_us(make(structure, *extra), positions, seconds)
    return time, calls, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def alone(*arguments: Any) -> tuple[float, ...] | str:
    """What `measure` says from a fresh process, or why it says nothing."""
    try:
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
            return process.submit(measure, *arguments).result()
    except BrokenProcessPool:
        return "its process died, of memory perhaps"
    except Exception as error:  # noqa: BLE001 - a peer's failure is a row of the report
        return f"{type(error).__name__}: {error}"


def knows(model: Path, molecule: Molecule) -> bool:
    try:
        rfp_md.load(model).check(rfp.frames(molecule.numbers))
    except rfp_md.UserError:
        return False
    return True


def molecule_rows(options: argparse.Namespace) -> Iterator[tuple[str, str, Callable[..., Compute], Molecule, tuple]]:
    for name in MOLECULES:
        molecule = Molecule.read(str(options.data / f"rmd17/rmd17_{name}_test_01.npz"))[:200]
        for model in options.molecule:
            if knows(model, molecule):
                yield name, model.stem, rfp_molecule, molecule, (model,)
        if importlib.util.find_spec("tblite"):
            yield name, "GFN2-xTB", xtb_molecule, molecule, ()
        if importlib.util.find_spec("kernelforge"):
            yield name, "kernelforge RFF", kernelforge_molecule, molecule, ()


def box_rows(options: argparse.Namespace) -> Iterator[tuple[str, Callable[..., Compute], Any, tuple]]:
    for model in options.silicon:
        for atoms in options.boxes:
            yield model.stem, rfp_box, silicon(atoms), (model,)
    for atoms in options.boxes:
        if importlib.util.find_spec("tblite") and options.silicon and atoms <= options.xtb_atoms:
            yield "GFN2-xTB", xtb_box, silicon(atoms), ()


def print_row(*cells: str) -> None:
    print("| " + " | ".join(cells) + " |", flush=True)


def molecules(options: argparse.Namespace) -> None:
    header = ("molecule", "atoms", "model", "µs per call", "calls")
    print_row(*header)
    print("|---" * len(header) + "|")
    for name, label, make, molecule, extra in molecule_rows(options):
        result = alone(make, molecule, extra, options.seconds)
        start = name, str(len(molecule.numbers)), label
        if isinstance(result, str):
            print_row(*start, result, "")
        else:
            print_row(*start, f"{result[0]:.0f}", f"{result[1]:.0f}")


def boxes(options: argparse.Namespace) -> None:
    header = (
        "model",
        "silicon atoms",
        "ms per call",
        "µs per atom",
        "ratio to the smallest",
        "calls",
        "peak memory, GB",
    )
    print_row(*header)
    print("|---" * len(header) + "|")
    smallest: dict[str, float] = {}
    for label, make, box, extra in box_rows(options):
        result = alone(make, box, extra, options.seconds)
        start = label, str(len(box))
        if isinstance(result, str):
            print_row(*start, result, "", "", "", "")
            continue
        each = result[0] / len(box)
        ratio = each / smallest.setdefault(label, each)
        print_row(
            *start, f"{result[0] / 1e3:.2f}", f"{each:.1f}", f"{ratio:.2f}", f"{result[1]:.0f}", f"{result[2]:.2f}"
        )


def main() -> None:
    parser = with_data(__doc__)
    parser.add_argument("--molecule", type=Path, action="append", default=[], metavar="MODEL.rfp")
    parser.add_argument("--silicon", type=Path, action="append", default=[], metavar="MODEL.rfp")
    parser.add_argument("--boxes", type=int, nargs="+", default=list(BOXES), help="atoms: 8 times a cube")
    parser.add_argument("--xtb-atoms", type=int, default=64, help="the largest box for GFN2-xTB")
    parser.add_argument("--seconds", type=float, default=3.0, help="of calls for each measurement")
    parser.add_argument("--cores", type=int, default=len(os.sched_getaffinity(0)))
    options = parser.parse_args()
    try:
        for model in (*options.molecule, *options.silicon):
            rfp_md.load(model)
    except rfp_md.UserError as error:
        parser.error(str(error))
    use_cores(options.cores)
    molecules(options)
    if options.silicon:
        print()
        boxes(options)


if __name__ == "__main__":
    main()
