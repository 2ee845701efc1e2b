"""The rules of the local term (``rfp_md/training/local_model.py``) one at a time, on validation frames.

    python -m tests.benchmarks.local_model [--data FOLDER] [--width N] [--seeds N] [SYSTEM…]

Each row changes one rule. A fifth of the training file judges; no test frame is read. Prints a Markdown table of
validation errors, energies in meV/atom and forces in meV/Å, means over the seeds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from unittest.mock import patch

import numpy as np

import rfp_md
from rfp_md.atomic_basis.placement import innermost
from rfp_md.training.local_model import LocalModel
from tests.benchmarks.dimers import SYSTEMS, System, solvents
from tests.benchmarks.options import with_data

ALL = {**SYSTEMS, "Nb–Mo–Ta–W": System("nbmotaw/train.xyz")}
USED = ("silicon", "molybdenum", "Nb–Mo–Ta–W", "solvents")
REGRESSOR = "random_fourier:length_scale=10,sees={sees}"
SHORTEST = {"solvents": 0.64}  # of the first cutoff, which the search of the preset comes to
BEGIN = "rfp_md.descriptors.many_body.innermost"


def rows(usual: LocalModel) -> Mapping[str, tuple[str, int]]:
    """A descriptor and how many components a feature sees, by what is changed."""
    other = replace(usual, condensed=not usual.condensed)
    angles = [usual.text.replace(f"max_angular={4 if usual.condensed else 3}", f"max_angular={l}") for l in (2, 3, 4)]
    return {
        "by the rules": (usual.text, 20),
        "radial functions from 0.8 Å": (usual.text, 20),
        "cutoff 0.8 times": (replace(usual, cutoff=round(0.8 * usual.cutoff, 2)).text, 20),
        "cutoff 1.25 times": (replace(usual, cutoff=round(1.25 * usual.cutoff, 2)).text, 20),
        "the other body order and l": (other.text, 20),
        **{f"l ≤ {l}": (text, 20) for l, text in zip((2, 3, 4), angles, strict=True) if text != usual.text},
        "half the components": (replace(usual, components=usual.components // 2).text, 20),
        "twice the components": (replace(usual, components=usual.components * 2).text, 20),
        "features see 10": (usual.text, 10),
        "features see all": (usual.text, 10_000),
    }


def main() -> None:
    parser = with_data(__doc__)
    parser.add_argument("systems", nargs="*", metavar="SYSTEM", default=USED)
    parser.add_argument("--width", type=int, default=1500)
    parser.add_argument("--seeds", type=int, default=1)
    options = parser.parse_args()
    print("| system | rule that is changed | E / F |\n|---|---|---|")
    for name in options.systems:
        file = options.data / ALL[name].train
        dataset = solvents(file) if name == "solvents" else rfp_md.read(file)
        usual = LocalModel.of(dataset)
        usual = replace(usual, cutoff=round(SHORTEST.get(name, 1.0) * usual.cutoff, 2))
        atoms = np.mean(np.repeat([b.n_atoms for b in dataset], [len(b) for b in dataset]))
        for what, (descriptor, sees) in rows(usual).items():
            found = []
            for seed in range(options.seeds):
                with patch(BEGIN, (lambda *_: 0.8) if "from 0.8" in what else innermost):
                    fit = rfp_md.train(
                        dataset, descriptor=[descriptor], regressor=REGRESSOR.format(sees=sees), seed=seed,
                        width=options.width, n_valid=len(dataset) // 5,
                    ).record["fit"]  # fmt: skip
                found.append([fit["valid_energy_mae_ev"] / atoms, fit["valid_force_mae_ev_per_angstrom"]])
            energy, force = 1000 * np.mean(found, axis=0)
            print(f"| {name} | {what} | {energy:.2f} / {force:.1f} |", flush=True)


if __name__ == "__main__":
    main()
