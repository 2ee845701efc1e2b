"""The figures of docs/thesis.md, each with the numbers that it shows beside it as JSON.

    python docs/thesis_figures.py FIGURE... [--data FOLDER] [--trajectories FOLDER]

    data      violins of the reference energies and forces (the thesis's Figs. 3.2 to 3.6)
    leak      errors of repeated and of new test frames under the author's draw (needs trajectories)
    parity    the benzene force model of Table 3.3 under the author's draw and on rMD17, and a conservative one
    widths    error against width for uracil (Fig. 3.7), without and with a descriptor; 30 minutes
    orders    order of interaction against error, three seeds (needs rfp-featomic); 40 minutes

Fits are kept in the JSON as they are done, so that a run that was stopped goes on.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import rfp_md
from rfp_md.frames import Dataset
from rfp_md.thesis.models import ThesisModel, fit_model, predict
from rfp_md.thesis.protocols import experiment
from rfp_md.thesis.rows import MOLECULES, rows_of_tables
from rfp_md.thesis.run import KCAL, errors_of

FOLDER = Path(__file__).with_name("figures")
BLUE, RED, GREY, GREEN = "#2f6690", "#c8553d", "#9aa5b1", "#588157"
LEAKS = (
    ("3.5", "coulomb_matrix"),
    ("3.10", "coulomb_matrix"),
    ("3.15", "coulomb_matrix"),
    ("3.20", "coulomb_matrix"),
    ("3.25", "coulomb_matrix"),
    ("3.38", "sampled_activated_projection"),
)
WIDTHS = (100, 300, 1000, 3000, 10000)
WIDTH_MODELS = {
    "Cartesian, rfnn (the thesis)": ("cartesian", "rfnn:weights=thesis,weight_scale=1"),
    "Coulomb matrix, rfnn": ("coulomb_matrix:triangle=true", "rfnn"),
    "inverse distances, Fourier": ("inverse_distances", "random_fourier"),
}
ORDERS = {
    "pairs": "coulomb_matrix:triangle=true",
    "pairs and angles": "concatenate:of=coulomb_matrix(triangle=true)+angles",
    "local two- and three-body": "soap",
}
SEEDS, ORDER_WIDTH = (0, 1, 2), 2000


def data(folder: Path, trajectories: Path) -> None:
    figure = Figure(figsize=(9, 5.6), layout="constrained")
    axes = figure.subplots(2, 1)
    blocks = [experiment("rmd17", name, folder, np.random.default_rng(0)).train for name in MOLECULES]
    energies = [(block.energies - block.energies.mean()) / KCAL for block in blocks]
    forces = [block.forces.ravel() / KCAL for block in blocks]
    for ax, values, label in zip(
        axes, (energies, forces), ("energy − mean / (kcal/mol)", "force component / (kcal/mol/Å)"), strict=True
    ):
        for part in ax.violinplot(values, showmedians=True, widths=0.8)["bodies"]:
            part.set_facecolor(BLUE)
        ax.set_ylabel(label)
        ax.set_xticks(range(1, 6), MOLECULES)
    figure.suptitle("rMD17, official training split 1: 1000 frames of each molecule", fontsize=10)
    save(figure, "data")
    spreads = {
        name: {"energy_std": float(e.std()), "force_std": float(f.std())}
        for name, e, f in zip(MOLECULES, energies, forces, strict=True)
    }
    keep("data", spreads)


def leak(folder: Path, trajectories: Path) -> None:
    figure = Figure(figsize=(9.5, 5.4), layout="constrained")
    axes = figure.subplots(2, 3)
    summary = {}
    for ax, (table, descriptor) in zip(axes.flat, LEAKS, strict=True):
        row = next(row for row in rows_of_tables([table]) if row.descriptor == descriptor)
        frames = experiment("author", row.molecule, trajectories, np.random.default_rng(0))
        potential = fit_model(ThesisModel.of(row), frames, np.random.default_rng(0))
        errors = np.abs(errors_of(potential, frames.test)[1]).mean(axis=1)
        bins = np.geomspace(errors.min() / 1.5, errors.max() * 1.5, 45)
        for chosen, color, label in ((frames.repeated, RED, "in the training set"), (~frames.repeated, BLUE, "new")):
            ax.hist(errors[chosen], bins, color=color, alpha=0.75, label=f"{label} ({chosen.sum()})")
        ax.set_xscale("log")
        ax.set_title(f"Table {table}: {row.molecule}, {row.model.split('_flat')[0].replace('_', ' ')}", fontsize=9)
        ax.legend(fontsize=7)
        ax.set_xlabel("force MAE of a test frame / (kcal/mol/Å)", fontsize=8)
        summary[f"{table} {row.molecule} {descriptor}"] = {
            "repeated_share": float(frames.repeated.mean()),
            "repeated_force_mae": float(errors[frames.repeated].mean()),
            "new_force_mae": float(errors[~frames.repeated].mean()),
            "force_mae": float(errors.mean()),
        }
    figure.suptitle("Force models under the author's draw, GFN2-xTB trajectories of 0.5 fs at 500 K", fontsize=10)
    save(figure, "leak")
    keep("leak", summary)


def parity(folder: Path, trajectories: Path) -> None:
    figure = Figure(figsize=(10.5, 3.9), layout="constrained")
    axes = figure.subplots(1, 3)
    row = rows_of_tables(["3.3"])[0]
    pairs = []
    for protocol, where in (("author", trajectories), ("rmd17", folder)):
        frames = experiment(protocol, "benzene", where, np.random.default_rng(0))
        potential = fit_model(ThesisModel.of(row), frames, np.random.default_rng(0))
        pairs.append((frames.test.forces / KCAL, predict(potential, frames.test)[1] / KCAL))
    fast = rfp_md.train(
        Dataset((frames.train,)),
        descriptor=["inverse_distances:fragment=0,width=6000"],
        regressor="random_fourier",
    )
    pairs.append((frames.test.forces / KCAL, fast.compute(frames.test).forces / KCAL))
    titles = (
        "Table 3.3, the author's draw",
        "Table 3.3, rMD17 split 1",
        "conservative (labelled 1/r, 6000 features), rMD17 split 1",
    )
    summary = {}
    for ax, (reference, predicted), title in zip(axes, pairs, titles, strict=True):
        ends = np.array([reference.min(), reference.max()])
        ax.plot(reference.ravel(), predicted.ravel(), ".", color=BLUE, markersize=1, alpha=0.3, rasterized=True)
        ax.plot(ends, ends, color=GREY, linewidth=0.8)
        ax.set_ylim(1.5 * ends)
        summary[title] = float(np.abs(predicted - reference).mean())
        ax.set_title(f"{title}\nMAE {summary[title]:.2g} kcal/mol/Å", fontsize=9)
        ax.set_xlabel("reference force / (kcal/mol/Å)")
    axes[0].set_ylabel("predicted force / (kcal/mol/Å)")
    save(figure, "parity")
    keep("parity", summary)


def widths(folder: Path, trajectories: Path) -> None:
    done = kept("widths")
    for label, (descriptor, regressor) in WIDTH_MODELS.items():
        for width in WIDTHS:
            key = f"{label}; {width}"
            if key not in done:
                done[key] = judged(folder, "uracil", f"{with_width(descriptor, width)}", regressor, seed=0)
                keep("widths", done)
    figure = Figure(figsize=(9, 3.8), layout="constrained")
    axes = figure.subplots(1, 2)
    for ax, quantity, unit in zip(axes, ("energy", "force"), ("kcal/mol", "kcal/mol/Å"), strict=True):
        for label, color in zip(WIDTH_MODELS, (RED, GREEN, BLUE), strict=True):
            for kind, style in (("mae", "o-"), ("rmse", "o--")):
                values = [done[f"{label}; {width}"][f"{quantity}_{kind}"] for width in WIDTHS]
                name = label if kind == "mae" else None
                ax.loglog(WIDTHS, values, style, color=color, markersize=4, label=name, linewidth=1)
        ax.set_xlabel("number of features K")
        ax.set_ylabel(f"{quantity} error / ({unit})")
    axes[0].legend(fontsize=8)
    figure.suptitle("Uracil, conservative models, rMD17 split 1: MAE (solid) and RMSE (dashed)", fontsize=10)
    save(figure, "widths")


def orders(folder: Path, trajectories: Path) -> None:
    done = kept("orders")
    for seed in SEEDS:
        for molecule in MOLECULES:
            for label, descriptor in ORDERS.items():
                key = f"{molecule}; {label}; {seed}"
                if key not in done:
                    spec = with_width(descriptor, ORDER_WIDTH)
                    done[key] = judged(folder, molecule, spec, "random_fourier", seed=seed)
                    keep("orders", done)
    figure = Figure(figsize=(8, 3.8), layout="constrained")
    ax = figure.subplots()
    for k, (label, color) in enumerate(zip(ORDERS, (BLUE, GREEN, RED), strict=True)):
        values = np.array([[done[f"{m}; {label}; {seed}"]["force_mae"] for seed in SEEDS] for m in MOLECULES])
        places = np.arange(len(MOLECULES)) + 0.26 * (k - 1)
        ax.bar(places, values.mean(axis=1), 0.24, yerr=values.std(axis=1), color=color, capsize=3, label=label)
    ax.set_xticks(range(len(MOLECULES)), MOLECULES)
    ax.set_ylabel("force MAE / (kcal/mol/Å)")
    ax.legend(fontsize=8)
    ax.set_title(f"Conservative models of {ORDER_WIDTH} Fourier features, rMD17 split 1, three seeds", fontsize=10)
    save(figure, "orders")


def judged(folder: Path, molecule: str, descriptor: str, regressor: str, *, seed: int) -> dict[str, float]:
    """Errors on the test file of a model of the training file, kcal/mol and kcal/mol/Å."""
    train, test = (folder / "rmd17" / f"rmd17_{molecule}_{part}_01.npz" for part in ("train", "test"))
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        model = Path(name) / "model.rfp"
        rfp_md.train(train, output=model, descriptor=[descriptor], regressor=regressor, seed=seed)
        seconds = time.perf_counter() - start
        errors = rfp_md.evaluate(model, test)
    result = {
        "energy_mae": errors["energy_mae_mev"] / 1e3 / KCAL,
        "energy_rmse": errors["energy_rmse_mev"] / 1e3 / KCAL,
        "force_mae": errors["force_mae_mev_per_angstrom"] / 1e3 / KCAL,
        "force_rmse": errors["force_rmse_mev_per_angstrom"] / 1e3 / KCAL,
        "seconds": seconds,
    }
    print(molecule, descriptor, regressor, seed, {key: round(value, 3) for key, value in result.items()}, flush=True)
    return result


def with_width(descriptor: str, width: int) -> str:
    return f"{descriptor}{',' if ':' in descriptor else ':'}width={width}"


def kept(name: str) -> dict:
    path = FOLDER / f"{name}.json"
    return json.loads(path.read_text()) if path.is_file() else {}


def keep(name: str, values: dict) -> None:
    (FOLDER / f"{name}.json").write_text(json.dumps(values, indent=1, sort_keys=True) + "\n")


def save(figure: Figure, name: str) -> None:
    figure.savefig(FOLDER / f"{name}.png", dpi=130)


FIGURES: dict[str, Callable[[Path, Path], None]] = {
    "data": data,
    "leak": leak,
    "parity": parity,
    "widths": widths,
    "orders": orders,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("figures", nargs="+", choices=FIGURES)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("RFP_DATA", "../shared/data")))
    parser.add_argument("--trajectories", type=Path, default=Path("trajectories"))
    options = parser.parse_args()
    FOLDER.mkdir(exist_ok=True)
    for name in options.figures:
        FIGURES[name](options.data, options.trajectories)


if __name__ == "__main__":
    main()
