"""What the constants of the prior do: validation errors and E(V) with each of them three times smaller and larger.

    python -m tests.benchmarks.prior [--data FOLDER] [--width N] [SYSTEM…]

Trains a local model of silicon and of molybdenum with ``zbl``, without it, and with one constant of
``rfp_md/training/believed.py`` or ``prior.py`` changed. A fifth of the training file judges; no test frame is read.
Prints a Markdown table: energy and force MAE, the energy of an atom at 0.84 a₀ relative to a₀, and the minima from
0.84 to 1.2 a₀.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np

import rfp_md
from rfp_md.training import believed, prior
from tests.benchmarks.dimers import SYSTEMS, AnyDistance, density
from tests.benchmarks.options import with_data

CHANGED = {
    believed: ("DOUBT", "ALONE", "RELATIVE_DOUBT", "PAIR_DOUBT", "FRAMES"),
    prior: ("EXACT",),
}
FACTORS = (1 / 3, 3)


def row(dataset: rfp_md.Dataset, crystal: tuple[str, str, float], width: int, *, zbl: bool = True) -> str:
    """The figures of one fit."""
    potential = rfp_md.train(
        dataset, baseline=["elements", "zbl"] if zbl else ["elements"], width=width, n_valid=len(dataset) // 5,
        descriptor=["many_body:cutoff=5.2,body_order=4,max_angular=4,four_body_channels=5"],
    )  # fmt: skip
    fitted = potential.record["fit"]
    atoms = np.mean(np.repeat([b.n_atoms for b in dataset], [len(b) for b in dataset]))
    curve = density(replace(potential, shortest=AnyDistance()), *crystal)
    return (
        f"{1000 * fitted['valid_energy_mae_ev'] / atoms:.2f} | {1000 * fitted['valid_force_mae_ev_per_angstrom']:.1f} "
        f"| {curve.energies[0]:.2f} | {curve.minima}"
    )


def main() -> None:
    parser = with_data(__doc__)
    parser.add_argument("systems", nargs="*", metavar="SYSTEM", default=["silicon", "molybdenum"])
    parser.add_argument("--width", type=int, default=1000)
    options: argparse.Namespace = parser.parse_args()
    print("| system | constant | E, meV/atom | F, meV/Å | E(0.84 a₀), eV/atom | minima |")
    print("|---|---|---|---|---|---|")
    for name in options.systems:
        system = SYSTEMS[name]
        assert system.crystal is not None
        dataset = rfp_md.read([str(options.data / system.train)])
        print(f"| {name} | no prior | {row(dataset, system.crystal, options.width, zbl=False)} |", flush=True)
        print(f"| {name} | as they are | {row(dataset, system.crystal, options.width)} |", flush=True)
        for module, constant in [(module, constant) for module, names in CHANGED.items() for constant in names]:
            usual = getattr(module, constant)
            for factor in FACTORS:
                setattr(module, constant, type(usual)(round(usual * factor, 6)))
                said = row(dataset, system.crystal, options.width)
                print(f"| {name} | {constant} {getattr(module, constant):g} | {said} |", flush=True)
            setattr(module, constant, usual)


if __name__ == "__main__":
    main()
