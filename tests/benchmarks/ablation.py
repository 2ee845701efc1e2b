"""What each choice of the preset `accurate` is worth: validation errors with one thing changed at a time.

    python -m tests.benchmarks.ablation [--data FOLDER] [--out FILE.jsonl] [MOLECULE...]

The training files of rMD17 split 1 only, 500 frames to fit and 200 to judge, drawn anew for each seed; the test
files are not touched. All models have 2000 features. Finished rows are in FILE and not computed again. Prints a
Markdown table: force MAE in meV/Å (energy MAE in meV), mean over the seeds, ± half their range.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import rfp_md
from rfp_md.atomic_basis import basis
from tests.benchmarks.options import with_data
from tests.benchmarks.results import append, finished

MOLECULES = ("ethanol", "uracil")
SEEDS = (0, 1, 2)
WIDTH = 2000
REGRESSOR = {"length_scale": 10.0, "pool": 2.0, "force_weights": 1.0}


def joint(local: str = "", labelled: str = "root_distances:", share: float = 0.5) -> list[str]:
    """Two terms; ``local`` are parameters of many_body."""
    return [f"many_body:{local}width={round(WIDTH * share)}", f"{labelled}width={round(WIDTH * (1 - share))}"]


def one(term: str) -> list[str]:
    return [f"{term}width={WIDTH}"]


PRESET = joint()
# Row: descriptors, what else of the regressor, factor of the overlap of the radial functions.
ROWS: dict[str, tuple[list[str], dict[str, Any], float]] = {
    "as the preset": (PRESET, {}, 1),
    "local term alone": (one("many_body:"), {}, 1),
    "labelled term alone": (one("root_distances:"), {}, 1),
    "labelled term alone, 1/r": (one("inverse_distances:"), {}, 1),
    "labelled term alone, 1/r, whole molecule": (one("inverse_distances:fragment=0,"), {}, 1),
    "1/r in place of √r": (joint(labelled="inverse_distances:"), {}, 1),
    "features see the whole molecule": (joint(labelled="root_distances:fragment=0,"), {}, 1),
    "fragments of 5 atoms": (joint(labelled="root_distances:fragment=5,"), {}, 1),
    "fragments of 7 atoms": (joint(labelled="root_distances:fragment=7,"), {}, 1),
    "a third of the features local": (joint(share=1 / 3), {}, 1),
    "two thirds local": (joint(share=2 / 3), {}, 1),
    "all 2000 drawn features kept": (PRESET, {"pool": 1.0}, 1),
    "the best of 8000": (PRESET, {"pool": 4.0}, 1),
    "length scale 5": (PRESET, {"length_scale": 5.0}, 1),
    "length scale 20": (PRESET, {"length_scale": 20.0}, 1),
    "length scales 5 to 20": (PRESET, {"length_scale": "5/20"}, 1),
    "force weight 0.1": (PRESET, {"force_weights": 0.1}, 1),
    "radial functions half as wide": (PRESET, {}, 0.5),
    "cutoff 4 Å": (joint("cutoff=4,"), {}, 1),
    "cutoff 8 Å": (joint("cutoff=8,"), {}, 1),
    "body order 2": (joint("body_order=2,"), {}, 1),
    "body order 4": (joint("body_order=4,"), {}, 1),
    "l ≤ 2": (joint("max_angular=2,"), {}, 1),
    "l ≤ 5": (joint("max_angular=5,"), {}, 1),
    "6 channels": (joint("channels=6,"), {}, 1),
    "30 components": (joint("components=30,"), {}, 1),
    "300 components": (joint("components=300,"), {}, 1),
    "tanh (rfnn) in place of cosines": (PRESET, {"name": "rfnn"}, 1),
}


def measure(folder: Path, molecule: str, row: str, seed: int) -> dict[str, Any]:
    terms, changed, overlap = ROWS[row]
    regressor = REGRESSOR | changed if "name" not in changed else {"pool": 2.0, "force_weights": 1.0}
    parameters = ",".join(f"{key}={value}" for key, value in regressor.items())
    usual, basis.OVERLAP = basis.OVERLAP, basis.OVERLAP * overlap
    try:
        potential = rfp_md.train(
            folder / f"rmd17_{molecule}_train_01.npz",
            descriptor=terms,
            regressor=f"{changed.get('name', 'random_fourier')}:{parameters}",
            n_train=500,
            n_valid=200,
            seed=seed,
        )
    finally:
        basis.OVERLAP = usual
    fit = potential.record["fit"]
    figures = {"force": fit["valid_force_mae_ev_per_angstrom"], "energy": fit["valid_energy_mae_ev"]}
    return {"molecule": molecule, "row": row, "seed": seed} | {key: 1000 * value for key, value in figures.items()}


def cell(results: list[dict[str, Any]]) -> str:
    if not results:
        return "–"
    force, energy = (np.array([result[key] for result in results]) for key in ("force", "energy"))
    return f"{force.mean():.2f} ± {np.ptp(force) / 2:.2f} ({energy.mean():.2f})"


def main() -> None:
    parser = with_data(__doc__)
    parser.add_argument("molecules", nargs="*", default=list(MOLECULES))
    parser.add_argument("--out", type=Path, default=Path("ablation.jsonl"))
    parser.add_argument("--seeds", type=int, default=len(SEEDS))
    options = parser.parse_args()
    done = finished(options.out)
    known = {(result["molecule"], result["row"], result["seed"]) for result in done}
    for seed in SEEDS[: options.seeds]:
        for row in ROWS:
            for molecule in options.molecules:
                if (molecule, row, seed) not in known:
                    done.append(measure(options.data / "rmd17", molecule, row, seed))
                    append(options.out, done[-1])
    print("| changed | " + " | ".join(options.molecules) + " |\n|---" + "|---" * len(options.molecules) + "|")
    for row in ROWS:
        cells = [
            cell([result for result in done if (result["molecule"], result["row"]) == (molecule, row)])
            for molecule in options.molecules
        ]
        print(f"| {row} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
