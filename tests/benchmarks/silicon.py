"""Silicon with energies, forces and stresses: errors on the test frames, and the stress against finite differences.

    python -m tests.benchmarks.silicon [--data FOLDER] [--preset NAME] [--model FILE.rfp]

Trained on si_train.xyz with the hyper-parameters chosen on a tenth of it. Prints a Markdown table; `speed.py --silicon
FILE.rfp` times the model that is kept in FILE.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

import rfp_md
from rfp_md.frames import Frames
from rfp_md.structures.strain import strained
from tests.benchmarks.options import with_data
from tests.benchmarks.rmd17 import measured

STEP = 1e-4  # strain


def stress_error(potential: rfp_md.Potential, frame: Frames) -> float:
    """The largest difference between the stress and the energy's slope with strain, meV/Å³."""
    analytic = -potential.compute(frame).virials[0] / frame.volumes[0]
    found = np.empty((3, 3))
    for a in range(3):
        for b in range(3):
            strain = np.zeros((3, 3))
            strain[a, b] += STEP / 2
            strain[b, a] += STEP / 2
            ends = [potential.energies(strained(frame, sign * strain))[0] for sign in (1, -1)]
            found[a, b] = (ends[0] - ends[1]) / (2 * STEP * frame.volumes[0])
    return float(1000 * np.abs(analytic - found).max())


def main() -> None:
    parser = with_data(__doc__)
    parser.add_argument("--preset", default="accurate")
    parser.add_argument("--model", type=Path)
    options = parser.parse_args()
    train, test = (str(options.data / "silicon" / f"si_{part}.xyz") for part in ("train", "test"))
    with tempfile.TemporaryDirectory() as name:
        model = str(options.model or f"{name}/silicon.rfp")
        fit, memory = measured("rfp", "train", train, "-o", model, "--preset", options.preset, "--json")
        errors, _ = measured("rfp", "evaluate", model, test, "--json")
        potential = rfp_md.load(model)
        blocks = rfp_md.read(test).blocks
        slope = max(stress_error(potential, block[:1]) for block in blocks)
    figures = {
        "features": fit["fit"]["width"],
        "fit, s": f"{fit['seconds']:.0f}",
        "peak memory, GB": f"{memory:.1f}",
        "energy MAE, meV per atom": f"{errors['energy_mae_mev_per_atom']:.2f}",
        "force MAE, meV/Å": f"{errors['force_mae_mev_per_angstrom']:.1f}",
        "stress MAE, meV/Å³": f"{errors['stress_mae_mev_per_angstrom3']:.3f}",
        "stress − finite difference, largest, meV/Å³": f"{slope:.1e}",
    }
    print("| " + " | ".join(figures) + " |\n" + "|---" * len(figures) + "|")
    print("| " + " | ".join(map(str, figures.values())) + " |")


if __name__ == "__main__":
    main()
