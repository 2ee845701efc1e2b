"""rfp-md: `rfp train` with any of its flags, then single calls of the model that it wrote."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import rfp_md
from rfp_md.training.presets import MOLECULE
from tests.benchmarks.peers.measure import EV, Compute, Floats, Molecule, arguments, judge, report

FEW = 20


def frames(numbers: Any, cell: Floats | None = None) -> rfp_md.Frames:
    """One structure of these atoms, all in one place."""
    cells = None if cell is None else cell[None]
    positions = np.zeros((1, len(numbers), 3))
    return rfp_md.Frames(np.asarray(numbers, dtype=np.int64), positions, cells=cells, pbc=(cell is not None,) * 3)


def compute(model: str | Path, numbers: Any = None, cell: Floats | None = None) -> Compute:
    """Of a model's file; numbers (N,) and cell (3, 3) where the atoms are not its reference's."""
    potential = rfp_md.load(model)
    template = potential.reference if numbers is None else frames(numbers, cell)

    def call(positions: Floats) -> tuple[float, Floats]:
        prediction = potential.compute(template.at(positions[None]))
        return float(prediction.energies[0]), prediction.forces[0]

    return call


def fit(data: str, model: Path, flags: list[str]) -> dict[str, Any]:
    """What `rfp train` says of itself."""
    command = [str(Path(sys.executable).with_name("rfp")), "train", data, "-o", str(model), "--json", *flags]
    process = subprocess.run(command, stdout=subprocess.PIPE)
    if process.returncode:
        raise SystemExit(process.returncode)  # it has said why
    return json.loads(process.stdout)


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--model", type=Path, help="where to keep the .rfp file")
    options, flags = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as folder:
        for preset in MOLECULE:  # so that what is compiled once after an installation is compiled
            fit(f"{options.train}@:{FEW}", Path(folder) / "few.rfp", ["--preset", preset])
        model = options.model or Path(folder) / "model.rfp"
        record = fit(f"{options.train}@:{options.frames}", model, flags)
        row = judge(compute(model), Molecule.read(options.test)[: options.test_frames], EV)
    settings = " ".join(flags)
    report(
        {"frames": options.frames, "fit_s": record["seconds"], **row, "settings": settings, "fit": record["fit"]},
        "rfp-md",
        "numpy",
    )


if __name__ == "__main__":
    main()
