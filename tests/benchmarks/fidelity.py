"""Errors against the number of high-level frames: fitted directly, as a difference, and jointly with a low level.

    python -m tests.benchmarks.fidelity [--data FOLDER] [--results FILE.json] [--picture FILE.png] [MOLECULE…]

The high level are rMD17's labels (PBE), the low one GFN2-xTB of all 1,000 training frames. ``difference`` has xTB
itself as a baseline, in every call; ``stacked`` a model of the low level (``--baseline potential``); ``joint`` is
``--level LOW --level HIGH``. Three seeds, each with frames of its own, a tenth of which choose hyper-parameters. Prints
Markdown tables, and draws them. Every fit is written to the results at once: a run that was cut off goes on.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms

import rfp_md
from rfp_md.frames import Dataset, Frames
from rfp_md.io.write import write
from tests.benchmarks.options import with_data

SIZES, SEEDS, N_TEST, WIDTH = (10, 25, 50, 100, 200, 400), (0, 1, 2), 300, 1500
FIT: dict[str, Any] = {"preset": "fast", "width": WIDTH}
XTB = "calculator:of=tblite.ase:TBLite,arguments=method=GFN2-xTB;verbosity=0"
METHODS = ("direct", "difference", "stacked", "joint")


def low_level(frames: Frames) -> Frames:
    """The same frames with GFN2-xTB's labels."""
    from tblite.ase import TBLite

    calculator, energies, forces = TBLite(method="GFN2-xTB", verbosity=0), [], []
    for positions in frames.positions:
        atoms = Atoms(numbers=frames.numbers, positions=positions, calculator=calculator)
        energies.append(atoms.get_potential_energy())
        forces.append(atoms.get_forces())
    return replace(frames, energies=np.array(energies), forces=np.array(forces), steps=None)


def fitted(method: str, some: Frames, folder: Path, seed: int) -> rfp_md.Potential:
    """A model by one of the methods, from a few frames of the high level."""
    data = Dataset((some,))
    if method == "direct":
        return rfp_md.train(data, seed=seed, **FIT)
    if method == "difference":
        return rfp_md.train(data, seed=seed, baseline=[XTB, "elements"], **FIT)
    if method == "stacked":
        return rfp_md.train(data, seed=seed, baseline=[f"potential:file={folder / 'low.rfp'}", "elements"], **FIT)
    write(data, folder / "high.extxyz")
    return rfp_md.train(level=[folder / "low.extxyz", folder / "high.extxyz"], seed=seed, **FIT)


def measure(molecule: str, data: Path, results: Path) -> dict[str, list[float]]:
    """Energy and force MAE of every fit, meV and meV/Å, by method, size and seed."""
    found: dict[str, list[float]] = json.loads(results.read_text()) if results.is_file() else {}
    train, test = (rfp_md.read(data / f"rmd17/rmd17_{molecule}_{part}_01.npz").blocks[0] for part in ("train", "test"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        low = Dataset((low_level(train),))
        write(low, folder / "low.extxyz")
        rfp_md.train(low, output=folder / "low.rfp", **FIT)
        for size in SIZES:
            for seed in SEEDS:
                chosen = np.random.default_rng(seed).permutation(len(train))[:size]
                for method in METHODS:
                    key = f"{molecule} {method} {size} {seed}"
                    if key not in found:
                        potential = fitted(method, Dataset((train,)).select(chosen).blocks[0], folder, seed)
                        said, wanted = potential.compute(test[:N_TEST]), test[:N_TEST]
                        errors = said.energies - wanted.energies, said.forces - wanted.forces
                        found[key] = [float(1000 * np.abs(error).mean()) for error in errors]
                        results.write_text(json.dumps(found, indent=1) + "\n")
    return found


def table(molecule: str, found: dict[str, list[float]]) -> str:
    """Means over the seeds, E / F, with the force errors' range."""
    lines = [f"| {molecule} | {' | '.join(map(str, SIZES))} |", "|---" * (1 + len(SIZES)) + "|"]
    for method in METHODS:
        cells = []
        for size in SIZES:
            energies, forces = zip(*(found[f"{molecule} {method} {size} {seed}"] for seed in SEEDS), strict=True)
            cells.append(f"{np.mean(energies):.1f} / {np.mean(forces):.1f} ({min(forces):.1f} to {max(forces):.1f})")
        lines.append(f"| {method} | {' | '.join(cells)} |")
    return "\n".join(lines)


def draw(molecules: list[str], found: dict[str, list[float]], picture: Path) -> None:
    """Force errors against the number of high-level frames, a panel for each molecule."""
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(1, len(molecules), figsize=(4.2 * len(molecules), 3.4), squeeze=False)
    for panel, molecule in zip(panels[0], molecules, strict=True):
        for method in METHODS:
            errors = np.array([[found[f"{molecule} {method} {n} {seed}"][1] for seed in SEEDS] for n in SIZES])
            (line,) = panel.loglog(SIZES, errors.mean(axis=1), marker="o", markersize=4, label=method)
            panel.fill_between(SIZES, errors.min(axis=1), errors.max(axis=1), alpha=0.15, color=line.get_color())
        panel.set(title=molecule, xlabel="high-level frames", ylabel="force MAE, meV/Å", xticks=SIZES)
        panel.set_xticklabels(map(str, SIZES))
        panel.minorticks_off()
        panel.set_yticks([5, 10, 20, 50, 100, 200, 400], ["5", "10", "20", "50", "100", "200", "400"])
        panel.grid(alpha=0.3)
    panels[0][0].legend(frameon=False)
    figure.tight_layout()
    figure.savefig(picture, dpi=150)


def main() -> None:
    parser = with_data(__doc__)
    parser.add_argument("molecules", nargs="*", metavar="MOLECULE", default=["ethanol", "toluene"])
    parser.add_argument("--results", type=Path, default=Path("fidelity.json"))
    parser.add_argument("--picture", type=Path)
    options = parser.parse_args()
    found: dict[str, list[float]] = {}
    for molecule in options.molecules:
        found = measure(molecule, options.data, options.results)
        print(table(molecule, found) + "\n", flush=True)
    if options.picture is not None:
        draw(options.molecules, found, options.picture)


if __name__ == "__main__":
    main()
