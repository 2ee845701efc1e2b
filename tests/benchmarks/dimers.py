"""Whether a potential has holes where no training frame is: dimers of all pairs of elements, crystals at all densities.

    python -m tests.benchmarks.dimers [--data FOLDER] [--width N] [--n-train N] [--baseline NAME]… [SYSTEM…]

Trains a local model of each system, by the default preset, and prints a Markdown table of its dimers, from 0.5 Å to
the cutoff: the lowest energy of the dimer relative to its atoms, its minima (deeper than ``NOISE`` on both sides),
whether it is repulsive wherever it is shorter than in any training frame, and how far the work of the forces is from
the energy; and, of crystals, E(V): the lowest energy relative to that at a₀, and the minima from 0.84 to 1.2 a₀.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from ase.build import bulk
from ase.data import chemical_symbols

import rfp_md
from rfp_md.arrays import Floats
from rfp_md.frames import Dataset, Frames
from rfp_md.io.atoms import from_atoms
from rfp_md.io.keys import Keys
from rfp_md.structures.shortest import ShortestDistances
from tests.benchmarks.options import with_data

CUTOFF = 6.0  # Å, of the descriptor
STEP = 0.02  # Å
NOISE = 0.1  # eV
SCALES = np.arange(0.84, 1.2001, 0.01)


@dataclass(frozen=True)
class System:
    """A data set, the crystal whose E(V) is asked for, and the descriptor, where it is not the preset's."""

    train: str
    crystal: tuple[str, str, float] | None = None
    descriptor: tuple[str, ...] = ()


SYSTEMS = {
    "silicon": System("silicon/si_train.xyz", ("Si", "diamond", 5.469)),
    "molybdenum": System("molybdenum/mo_train.xyz", ("Mo", "bcc", 3.168)),
    "solvents": System("solvents/train.xyz"),
    "ethanol": System("rmd17/rmd17_ethanol_train_01.npz", descriptor=("many_body",)),
}


class AnyDistance(ShortestDistances):
    """Distances that are all looked at, also those at which a model is not to be used."""

    def check(self, frames: Frames) -> None:
        pass


@dataclass(frozen=True)
class Curve:
    """Energies along a coordinate, eV, relative to the end of it."""

    at: Floats
    energies: Floats

    @property
    def minima(self) -> int:
        """Places that are lower by ``NOISE`` than what surrounds them on both sides; an end is no minimum."""
        count, low, high, falling = 0, np.inf, -np.inf, False
        for energy in self.energies:
            if falling:
                low = min(low, energy)
                if energy > low + NOISE:
                    count, falling, high = count + 1, False, energy
            else:
                high = max(high, energy)
                if energy < high - NOISE:
                    falling, low = True, energy
        return count


def solvents(file: Path) -> Dataset:
    """Frames whose labels are called ``energy_xtb`` and ``forces_xtb``."""
    return rfp_md.read(file, keys=Keys(energy="energy_xtb", forces="forces_xtb"))


def dimer(potential: rfp_md.Potential, pair: tuple[int, int]) -> tuple[Curve, float]:
    """The energy of a dimer, and how far the work of its forces is from it, relative to the force or 1 eV/Å."""
    distances = np.arange(0.5, CUTOFF + STEP, STEP)
    positions = np.zeros((len(distances), 2, 3))
    positions[:, 1, 0] = distances
    said = potential.compute(Frames(np.array(pair), positions, source="a dimer"))
    # Forces at both ends and in the middle of two steps make Simpson's rule, exact to the fourth order.
    forces = said.forces[:, 1, 0]
    work = -(forces[:-2:2] + 4 * forces[1:-1:2] + forces[2::2]) * STEP / 3
    error = np.abs(np.diff(said.energies[::2])[: len(work)] - work) / (2 * STEP)
    return Curve(distances, said.energies - said.energies[-1]), float((error / (1 + np.abs(forces[1:-1:2]))).max())


def density(potential: rfp_md.Potential, symbol: str, structure: str, a0: float) -> Curve:
    """The energy of an atom of a crystal as its lattice constant changes."""
    cells = [from_atoms([bulk(symbol, structure, a=a0 * scale)]) for scale in SCALES]
    energies = np.array([potential.energies(cell)[0] / cell.n_atoms for cell in cells])
    return Curve(SCALES, energies - energies[np.argmin(np.abs(SCALES - 1.0))])


def rows(name: str, system: System, potential: rfp_md.Potential, dataset: Dataset) -> list[str]:
    """The lines of the table of one system."""
    lines, elements = [], np.array(potential.elements)
    shortest = ShortestDistances.of(dataset).between(elements)
    for a in range(len(elements)):
        for b in range(a, len(elements)):
            curve, error = dimer(potential, (elements[a], elements[b]))
            inside = curve.energies[curve.at < shortest[a, b]]
            repulsive = bool((inside - np.minimum.accumulate(inside) < NOISE).all())
            pair = f"{chemical_symbols[elements[a]]}–{chemical_symbols[elements[b]]}"
            lines.append(
                f"| {name} | {pair} | {shortest[a, b]:.2f} | {curve.energies.min():.2f} | {curve.minima} | "
                f"{'yes' if repulsive else 'no'} | {error:.0e} |"
            )
    if system.crystal is not None:
        curve = density(potential, *system.crystal)
        lines.append(f"| {name} | E(V) | | {curve.energies.min():.2f} | {curve.minima} | | |")
    return lines


def main() -> None:
    parser = with_data(__doc__)
    parser.add_argument("systems", nargs="*", metavar="SYSTEM", default=list(SYSTEMS))
    parser.add_argument("--width", type=int, default=2000)
    parser.add_argument("--n-train", type=int)
    parser.add_argument("--baseline", action="append", default=[])
    options: argparse.Namespace = parser.parse_args()
    print("| system | pair | shortest, Å | lowest, eV | minima | repulsive below | force error |")
    print("|---|---|---|---|---|---|---|")
    for name in options.systems:
        system = SYSTEMS[name]
        file = options.data / system.train
        dataset = solvents(file) if name == "solvents" else rfp_md.read([str(file)])
        potential = rfp_md.train(
            dataset,
            descriptor=system.descriptor,
            baseline=options.baseline,
            width=options.width,
            n_train=options.n_train,
        )
        potential = replace(potential, shortest=AnyDistance())
        print("\n".join(rows(name, system, potential, dataset)), flush=True)


if __name__ == "__main__":
    main()
