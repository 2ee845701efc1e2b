"""The figures of the README: rMD17 ethanol with the shallow network and, beside it, with rfp-md's own preset.

    python plugins/rfp-torch/benchmark.py [--data FOLDER]

Trains on the training file, 10 % of its frames choose the best epoch; reports on the test file.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
from pathlib import Path

NETWORK = ("--descriptor", "inverse_distances", "--regressor")
RUNS = {
    "shallow_network": (*NETWORK, "shallow_network"),
    "shallow_network:torque_weight=0": (*NETWORK, "shallow_network:torque_weight=0"),
    "shallow_network:force_weight=0,torque_weight=0": (*NETWORK, "shallow_network:force_weight=0,torque_weight=0"),
    "shallow_network:activation=tanh": (*NETWORK, "shallow_network:activation=tanh"),
    "shallow_network:epochs=1200": (*NETWORK, "shallow_network:epochs=1200"),
    "random_fourier, 6000 features": ("--descriptor", "inverse_distances:fragment=0", "--regressor", "random_fourier"),
}
HEADER = ("regressor", "force MAE, meV/Å", "energy MAE, meV", "neurons or features", "fit, s", "ms per call")


def run(*command: str) -> dict:
    return json.loads(subprocess.run([*command, "--json"], check=True, capture_output=True, text=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("RFP_DATA", "../shared/data")))
    file = str(parser.parse_args().data / "rmd17/rmd17_ethanol_{}_01.npz")
    print("| " + " | ".join(HEADER) + " |")
    print("|---" * len(HEADER) + "|")
    for name, flags in RUNS.items():
        with tempfile.TemporaryDirectory() as scratch:
            model = f"{scratch}/model.rfp"
            fit = run("rfp", "train", file.format("train"), "-o", model, *flags)
            errors = run("rfp", "evaluate", model, file.format("test"))
        row = (
            f"`{name}`",
            f"{errors['force_mae_mev_per_angstrom']:.1f}",
            f"{errors['energy_mae_mev']:.2f}",
            str(fit["fit"]["width"]),
            f"{fit['seconds']:.0f}",
            f"{errors['ms_per_frame']:.2f}",
        )
        print("| " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
