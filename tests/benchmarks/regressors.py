"""The thesis's Table 2.2, measured: regressors on one descriptor as the training data grow.

    python -m tests.benchmarks.regressors [--data FOLDER] [--molecule ethanol] [--frames 50 100 200 400 800]

Every regressor gets the same training frames of rMD17 split 1 (a tenth of them more, to choose hyper-parameters) and
inverse distances without symmetrisation, one site of 36 numbers for ethanol, and is judged on the 1000 test
frames. Training runs in a process of its own, whose peak memory is printed. shallow_network comes with
plugins/rfp-torch and is left out where that is not installed. Prints a Markdown table; times depend on the machine,
so they are given as ratios to random features too.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import rfp_md
from rfp_md.plugins import registered_names
from tests.benchmarks.options import with_data
from tests.benchmarks.rmd17 import measured

REGRESSORS = {
    "random_fourier": "random features, K = 2000",
    "rfnn": "random features (rfnn), K = 2000",
    "gaussian_process": "Gaussian process, exact",
    "kernel_ridge": "kernel machine, K = frames",
    "shallow_network": "shallow network, Adam",
    "linear": "linear",
}
HEADER = (
    "regressor",
    "frames",
    "fit, s",
    "fit/random",
    "memory, GB",
    "µs per frame",
    "eval/random",
    "force MAE, meV/Å",
    "energy MAE, meV",
)
WIDTH = {"random_fourier": 2000, "rfnn": 2000}


def main() -> None:
    parser = with_data(__doc__)
    parser.add_argument("--molecule", default="ethanol")
    parser.add_argument("--frames", type=int, nargs="+", default=[50, 100, 200, 400, 800])
    options = parser.parse_args()
    train, test = (options.data / "rmd17" / f"rmd17_{options.molecule}_{part}_01.npz" for part in ("train", "test"))
    print("| " + " | ".join(HEADER) + " |")
    print("|---" * len(HEADER) + "|")
    for n in options.frames:
        baseline: tuple[float, float] | None = None
        for name, label in REGRESSORS.items():
            if name not in registered_names("regressor"):
                continue
            fit, memory, evaluation, errors = judged(train, test, name, n)
            baseline = baseline or (fit, evaluation)
            cells = (
                label,
                str(n),
                f"{fit:.1f}",
                f"{fit / baseline[0]:.2f}",
                f"{memory:.2f}",
                f"{evaluation:.0f}",
                f"{evaluation / baseline[1]:.2f}",
                f"{errors['force_mae_mev_per_angstrom']:.1f}",
                f"{errors['energy_mae_mev']:.2f}",
            )
            print("| " + " | ".join(cells) + " |", flush=True)


def judged(train: Path, test: Path, regressor: str, n: int) -> tuple[float, float, float, dict]:
    """Seconds of the fit, its peak memory in GB, µs for a test frame in a batch of 1000, and the errors."""
    width = f",width={WIDTH[regressor]}" if regressor in WIDTH else ""
    with tempfile.TemporaryDirectory() as folder:
        model = f"{folder}/model.rfp"
        command = ["rfp", "train", str(train), "-o", model, "--n-train", str(n), "--n-valid", str(n // 10), "--json"]
        command += ["--descriptor", f"inverse_distances:symmetrize=false{width}", "--regressor", regressor]
        fit, memory = measured(*command)
        errors = rfp_md.evaluate(model, test)
        potential, frames = rfp_md.load(model), rfp_md.read(test).blocks[0]
        potential.compute(frames)
        start = time.perf_counter()
        potential.compute(frames)
        evaluation = 1e6 * (time.perf_counter() - start) / len(frames)
    return fit["seconds"], memory, evaluation, errors


if __name__ == "__main__":
    main()
