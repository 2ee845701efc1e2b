"""The figures of the README: rMD17 ethanol and silicon with the SOAP power spectrum.

    python plugins/rfp-featomic/benchmark.py [--data FOLDER]

Trains on the training files, 10 % of their frames choose the hyper-parameters; reports on the test files.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
from pathlib import Path

SOAP = "soap:width=4000"
RUNS = {
    "ethanol, soap": ("rmd17/rmd17_ethanol_{}_01.npz", "train", "test", [SOAP]),
    "ethanol, soap and inverse distances": (
        "rmd17/rmd17_ethanol_{}_01.npz",
        "train",
        "test",
        ["soap:width=3000", "inverse_distances:width=1500"],
    ),
    "silicon, soap": ("silicon/si_{}.xyz", "train", "test", ["soap:cutoff=5,width=2000"]),
}
HEADER = ("model", "force MAE, meV/Å", "energy MAE, meV/atom", "stress MAE, meV/Å³", "fit, s", "ms per call")


def run(*command: str) -> dict:
    return json.loads(subprocess.run([*command, "--json"], check=True, capture_output=True, text=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("RFP_DATA", "../shared/data")))
    folder = parser.parse_args().data
    print("| " + " | ".join(HEADER) + " |")
    print("|---" * len(HEADER) + "|")
    for name, (file, train, test, terms) in RUNS.items():
        with tempfile.TemporaryDirectory() as scratch:
            model = f"{scratch}/model.rfp"
            flags = [flag for term in terms for flag in ("--descriptor", term)]
            fit = run("rfp", "train", str(folder / file.format(train)), "-o", model, *flags)
            errors = run("rfp", "evaluate", model, str(folder / file.format(test)))
        stress = errors["stress_mae_mev_per_angstrom3"]
        row = (
            name,
            f"{errors['force_mae_mev_per_angstrom']:.1f}",
            f"{errors['energy_mae_mev_per_atom']:.2f}",
            "–" if stress is None else f"{stress:.2f}",
            f"{fit['seconds']:.0f}",
            f"{errors['ms_per_frame']:.1f}",
        )
        print("| " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
