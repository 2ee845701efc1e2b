"""Crystals, alloys and clusters: test errors of the default preset, what a fit costs, and a call for each atom.

    python -m tests.benchmarks.materials [--data FOLDER] [--seed N]… [SYSTEM…]

`rfp train FILE` with nothing else but the names of labels; a tenth of the training file chooses hyper-parameters, and
the test files are read at the end. Prints a Markdown table: MAE and RMSE of energies (meV/atom) and forces (meV/Å),
wall-clock time and peak memory of the fit, and CPU time of energy and forces in one thread, µs for each atom.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import rfp_md
from rfp_md.frames import Frames
from tests.benchmarks.options import with_data
from tests.benchmarks.rmd17 import measured

REPEATS = 5


@dataclass(frozen=True)
class System:
    """A training file, the files that judge, and the names of the labels."""

    train: str
    tests: tuple[str, ...]
    keys: tuple[str, ...] = ()


XTB = ("--energy-key", "energy_xtb", "--forces-key", "forces_xtb")
SYSTEMS = {
    "silicon": System("silicon/si_train.xyz", ("silicon/si_test.xyz",)),
    "molybdenum": System("molybdenum/mo_train.xyz", ("molybdenum/mo_test.xyz",)),
    "Nb–Mo–Ta–W": System(
        "nbmotaw/train.xyz",
        ("nbmotaw/test_elements.xyz", "nbmotaw/test_binaries.xyz", "nbmotaw/test_quaternary.xyz"),
    ),
    "solvents": System("solvents/train.xyz", ("solvents/test.xyz",), XTB),
}


def microseconds(potential: rfp_md.Potential, frame: Frames) -> float:
    """CPU time of energy and forces for each atom of one structure, the quickest of some calls."""
    found = []
    for _ in range(REPEATS):
        start = time.process_time()
        potential.compute(frame)
        found.append(time.process_time() - start)
    return 1e6 * min(found) / frame.n_atoms


def main() -> None:
    parser = with_data(__doc__)
    parser.add_argument("systems", nargs="*", metavar="SYSTEM", default=list(SYSTEMS))
    parser.add_argument("--seed", type=int, action="append")
    options = parser.parse_args()
    print("| data, seed | test file | E MAE / RMSE | F MAE / RMSE | fit, s | GB | features | µs an atom |")
    print("|---|---|---|---|---|---|---|---|")
    for seed in options.seed or [0]:
        for name in options.systems:
            system = SYSTEMS[name]
            with tempfile.TemporaryDirectory() as folder:
                model = f"{folder}/model.rfp"
                fit, memory = measured(
                    "rfp", "train", str(options.data / system.train), "-o", model, "--seed", str(seed), *system.keys,
                    "--json",
                )  # fmt: skip
                potential = rfp_md.load(model)
                cost = microseconds(potential, potential.reference)
                for test in system.tests:
                    said, _ = measured("rfp", "evaluate", model, str(options.data / test), *system.keys, "--json")
                    energies, forces = (
                        f"{said[f'{of}_mae_{unit}']:.2f} / {said[f'{of}_rmse_{unit}']:.2f}"
                        for of, unit in (("energy", "mev_per_atom"), ("force", "mev_per_angstrom"))
                    )
                    print(
                        f"| {name}, {seed} | {Path(test).stem} | {energies} | {forces} | {fit['seconds']:.0f} | "
                        f"{memory:.1f} | {fit['fit']['width']} | {cost:.0f} |",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
