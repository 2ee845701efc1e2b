"""A model of too few frames breaks in MD: which further frames mend it?

    python -m tests.benchmarks.remedy [--length PS] [--rounds N]

25 frames of the ethanol samples, preset ``fast``, five replicas at 500 K. After each run that breaks, one structure for
each break is computed with GFN2-xTB (``pip install 'rfp-md[reference]'``) and joins the training frames:

- ``break``: where the replicas broke, as it stands in the model's file;
- ``departure``: where, in the 100 fs before that, a force began to be uncertain: ``MODEL.breaks.extxyz``;
- ``chance``: the next frames of the samples, for comparison.

Prints a Markdown table: when each replica broke, round by round.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np
from ase.calculators.calculator import CalculationFailed
from tblite.ase import TBLite

import rfp_md
from rfp_md.arrays import Floats
from rfp_md.frames import Dataset, Frames
from rfp_md.io.atoms import to_atoms
from rfp_md.validation.stability.check_stability import check_stability
from rfp_md.validation.stability.result import StabilityResult
from tests.conftest import ETHANOL

FIRST = 25


def at_the_break(found: StabilityResult, frames: Frames) -> Floats:
    return np.array([event.positions for event in found.breaks])


def at_the_departure(found: StabilityResult, frames: Frames) -> Floats:
    return np.array([event.departure_positions for event in found.breaks])


def by_chance(found: StabilityResult, frames: Frames) -> Floats:
    return rfp_md.read(ETHANOL).blocks[0].positions[len(frames) : len(frames) + len(found.breaks)]


def labelled(positions: Floats, like: Frames) -> list[Frames]:
    """The structures that GFN2-xTB has an answer for, with it."""
    atoms = to_atoms(like)
    atoms.calc = TBLite(method="GFN2-xTB", verbosity=0)
    found = []
    for r in positions:
        atoms.positions = r
        try:
            energy, forces = atoms.get_potential_energy(), atoms.get_forces()
        except CalculationFailed:
            continue
        found.append(Frames(like.numbers, r[None], energies=np.array([energy]), forces=forces[None]))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--length", type=float, default=100.0)
    parser.add_argument("--rounds", type=int, default=4)
    options = parser.parse_args()
    choices = {"break": at_the_break, "departure": at_the_departure, "chance": by_chance}
    print("| added frames | frames | stable, ps |\n|---|---|---|")
    for name, choose in choices.items():
        frames = rfp_md.read(ETHANOL).blocks[0][:FIRST]
        for _ in range(options.rounds):
            potential = rfp_md.train(Dataset((frames,)), preset="fast")
            # All begin alike: GFN2-xTB may give a wreck the lowest energy, from which the model would begin.
            begun = replace(potential, reference=frames[:1])
            found = check_stability(begun, length=options.length)
            stable = ", ".join(f"{time:.3g}" for time in found.stable_ps_of_replicas)
            print(f"| {name} | {len(frames)} | {stable} |", flush=True)
            if not found.breaks:
                break
            frames = joined([frames, *labelled(choose(found, frames), frames)])


def joined(blocks: list[Frames]) -> Frames:
    parts = {
        key: np.concatenate([getattr(block, key) for block in blocks]) for key in ("positions", "energies", "forces")
    }
    return Frames(blocks[0].numbers, **parts)


if __name__ == "__main__":
    main()
