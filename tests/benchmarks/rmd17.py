"""A preset on rMD17 split 1: train on 1000 frames, report on the 1000 test frames.

    python -m tests.benchmarks.rmd17 [--data FOLDER] [--preset NAME] [MOLECULE...]

100 of the training frames choose the hyper-parameters; the test file is read only by `rfp evaluate`.
Prints a Markdown table. Times depend on the machine.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path

from tests.benchmarks.options import with_data

MOLECULES = ("ethanol", "benzene", "uracil", "toluene", "paracetamol")
HEADER = ("molecule", "force MAE, meV/Å", "energy MAE, meV", "features", "fit, s", "peak memory, GB", "ms per call")


def measured(*command: str) -> tuple[dict, float]:
    """The JSON that a command prints, and its peak memory in GB."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed")
    return json.loads(output), usage.ru_maxrss / 1e6


def row(folder: Path, molecule: str, preset: str) -> tuple[str, ...]:
    train, test = (str(folder / f"rmd17_{molecule}_{part}_01.npz") for part in ("train", "test"))
    with tempfile.TemporaryDirectory() as name:
        model = f"{name}/{molecule}.rfp"
        fit, memory = measured("rfp", "train", train, "-o", model, "--preset", preset, "--json")
        errors, _ = measured("rfp", "evaluate", model, test, "--json")
    return (
        molecule,
        f"{errors['force_mae_mev_per_angstrom']:.2f}",
        f"{errors['energy_mae_mev']:.3f}",
        str(fit["fit"]["width"]),
        f"{fit['seconds']:.0f}",
        f"{memory:.1f}",
        f"{errors['ms_per_frame']:.2f}",
    )


def main() -> None:
    parser = with_data(__doc__)
    parser.add_argument("molecules", nargs="*", default=list(MOLECULES))
    parser.add_argument("--preset", default="accurate")
    options = parser.parse_args()
    print("| " + " | ".join(HEADER) + " |")
    print("|---" * len(HEADER) + "|")
    for molecule in options.molecules:
        print("| " + " | ".join(row(options.data / "rmd17", molecule, options.preset)) + " |", flush=True)


if __name__ == "__main__":
    main()
