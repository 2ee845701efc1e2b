"""Acetylacetone, trained at 300 K, judged at 300 K and 600 K and along two scans: errors, and are they predicted?

    python -m tests.benchmarks.acetylacetone [--data FOLDER] [--preset NAME] [--plot FILE.png]

50 of the 500 training frames choose the hyper-parameters. Errors are root mean squares, as the published ones are
(Batatia et al., arXiv:2206.07697: BOTNet, NequIP and MACE). The scans are a torsion and the transfer of the proton from
one oxygen to the other. Prints Markdown tables; the plot is the calibration at 600 K.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import rfp_md
from tests.benchmarks.options import with_data
from tests.benchmarks.rmd17 import measured

SCANS = {"torsion": "test_dihedral.xyz", "proton transfer": "test_H_transfer.xyz"}
HEADER = ("test frames", "force RMSE, meV/Å", "energy RMSE, meV", "error / predicted deviation", "rank correlation")
# Energy and force RMSE, meV and meV/Å, at 300 K and at 600 K.
PUBLISHED = {"BOTNet": (0.89, 6.3, 6.2, 29.8), "NequIP": (0.81, 5.9, 6.0, 27.8), "MACE": (0.9, 5.1, 4.6, 22.4)}


def scans(model: str, folder: Path) -> None:
    """Barriers beside their references, and whether the committee knows how far off they are."""
    potential = rfp_md.load(model)
    print("\n| scan | barrier, meV | reference, meV | largest error, meV | largest predicted deviation, meV |")
    print("|---" * 5 + "|")
    for scan, file in SCANS.items():
        found, _ = measured("rfp", "validate", model, "geometry", "--scan", str(folder / file), "--json")
        figures = [found["scan"][key] for key in ("barrier_ev", "reference_barrier_ev", "max_error_ev")]
        figures.append(float(potential.deviations(rfp_md.read(folder / file).blocks[0]).max()))
        print(f"| {scan} | " + " | ".join(f"{1e3 * figure:.1f}" for figure in figures) + " |", flush=True)


def main() -> None:
    parser = with_data(__doc__)
    parser.add_argument("--preset", default="accurate")
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    folder = options.data / "acac"
    with tempfile.TemporaryDirectory() as name:
        model = f"{name}/acetylacetone.rfp"
        fit, memory = measured(
            "rfp", "train", str(folder / "train_300K.xyz"), "-o", model, "--preset", options.preset, "--json"
        )
        print(f"{fit['fit']['width']} features, {fit['seconds']:.0f} s, {memory:.1f} GB\n")
        print("| " + " | ".join(HEADER) + " |\n" + "|---" * len(HEADER) + "|")
        for temperature in (300, 600):
            plot = ["--plot", str(options.plot)] if options.plot and temperature == 600 else []
            test = str(folder / f"test_MD_{temperature}K.xyz")
            found, _ = measured("rfp", "evaluate", model, test, "--uncertainty", *plot, "--json")
            trusted = found["uncertainty"]
            cells = (
                f"{temperature} K",
                f"{found['force_rmse_mev_per_angstrom']:.1f}",
                f"{found['energy_rmse_mev']:.2f}",
                f"{trusted['force_error_over_std']:.2f}",
                f"{trusted['force_error_spearman']:.2f}",
            )
            print("| " + " | ".join(cells) + " |", flush=True)
        scans(model, folder)
    for peer, (energy, force, hot_energy, hot_force) in PUBLISHED.items():
        print(f"{peer}, published: 300 K {force} ({energy}), 600 K {hot_force} ({hot_energy})")


if __name__ == "__main__":
    main()
