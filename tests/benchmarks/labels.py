"""Which faults of labels an audit finds, set by set, and whether it is silent on good ones.

python -m tests.benchmarks.labels FOLDER    the folder has the reference sets in folders, as .xyz and rMD17's .npz
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from rfp_md.errors import UserError
from rfp_md.evaluation.labels.audit import audit_labels
from rfp_md.frames import Dataset, Frames
from rfp_md.io import Units, read

RMD17 = Units("kcal/mol", "kcal/mol/angstrom", "angstrom")


def forces(factor: float) -> Callable[[Frames], Frames]:
    """All forces times a factor."""
    return lambda block: replace(block, forces=factor * np.asarray(block.forces))


def stresses(factor: float) -> Callable[[Frames], Frames]:
    """All stresses times a factor; nothing where there are none."""
    return lambda block: block if block.stresses is None else replace(block, stresses=factor * block.stresses)


def quarter_zero(block: Frames) -> Frames:
    """Forces of zero in every fourth frame of the block."""
    some = np.asarray(block.forces).copy()
    some[::4] = 0.0
    return replace(block, forces=some)


FAULTS: dict[str, Callable[[Frames], Frames]] = {
    "none": lambda block: block,
    "F/51.42": forces(1 / 51.4221),
    "-F": forces(-1.0),
    "F×23.06": forces(23.0605),
    "F/27.21": forces(1 / 27.2114),
    "all Ha": lambda block: forces(1 / 51.4221)(replace(block, energies=np.asarray(block.energies) / 27.2114)),
    "¼ F=0": quarter_zero,
    "S×160.2": stresses(160.2177),
    "S×1602": stresses(1602.177),
    "-S": stresses(-1.0),
    "-S×1602": stresses(-1602.177),
}


def main() -> None:
    """Print the table: what was found of every set with every fault, and the seconds for one set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--frames", type=int, help="only the first so many frames of each set")
    options = parser.parse_args()
    for path in sorted([*options.folder.rglob("*.xyz"), *options.folder.rglob("*_01.npz")]):
        try:
            dataset = read(path, RMD17 if path.suffix == ".npz" else Units())
        except UserError as error:
            print(f"{path.name}: {error}"[:100])
            continue
        dataset = Dataset(tuple(block for block in dataset if block.energies is not None and block.forces is not None))
        if len(dataset):
            _row(path, dataset.select(np.arange(min(len(dataset), options.frames or len(dataset)))))


def _row(path: Path, dataset: Dataset) -> None:
    stressed = any(block.stresses is not None for block in dataset)
    start, cells = time.perf_counter(), []
    for name, fault in FAULTS.items():
        if stressed or "S" not in name:
            found = audit_labels(Dataset(tuple(map(fault, dataset))))
            told = ", ".join(f"{finding.name.split()[0]} {finding.value:.3g}" for finding in found)
            cells.append(f"{name}: {told or 'silent'}")
    seconds = (time.perf_counter() - start) / len(cells)
    print(f"{path.name} ({len(dataset)} frames, {seconds:.1f} s)", *cells, sep=" | ", flush=True)


if __name__ == "__main__":
    main()
