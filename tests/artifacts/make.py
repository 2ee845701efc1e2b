"""Freeze a small model of each preset in the format that the installed rfp-md writes, with what it predicts.

    python tests/artifacts/make.py [FOLDER]

A file that is there is left alone: it was made by the version whose format it has, and is never made again. Those of
format 1 are by commit 266382e:  PYTHONPATH=CHECKOUT python tests/artifacts/make.py
"""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

import rfp_md
from rfp_md.artifact import FORMAT_VERSION
from rfp_md.frames import Dataset, Frames

HERE = Path(__file__).parent
ETHANOL = HERE.parents[1] / "examples/data/ethanol_gfn2.extxyz"
SMALL = "many_body:components=12,channels=6,n_radial=5"


def alloys(n_frames: int) -> Dataset:
    """Cu3Au and CuAu in skewed cells of 4 and 2 atoms, rattled and strained, by EMT."""
    from ase import Atoms
    from ase.calculators.emt import EMT

    rng = np.random.default_rng(5)
    blocks = []
    for symbols, scaled, cell in (
        ("AuCu3", [[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]], 3.75 * np.eye(3)),
        ("CuAu", [[0, 0, 0], [0.5, 0.5, 0.5]], np.array([[2.8, 0, 0], [0.3, 2.8, 0], [0.2, 0.1, 3.7]])),
    ):
        parts = []
        for _ in range(n_frames):
            strained = cell @ (np.eye(3) + 0.04 * rng.standard_normal((3, 3)))
            atoms = Atoms(symbols, scaled_positions=scaled, cell=strained, pbc=True)
            atoms.positions += 0.08 * rng.standard_normal(atoms.positions.shape)
            atoms.calc = EMT()
            labels = atoms.get_potential_energy(), atoms.get_forces(), atoms.get_stress(voigt=False)
            parts.append((atoms.positions.copy(), strained, *labels))
        positions, cells, energies, forces, stresses = (np.array(column) for column in zip(*parts, strict=True))
        blocks.append(
            Frames(
                atoms.numbers.astype(np.int64),
                positions,
                energies,
                forces,
                cells=cells,
                pbc=(True, True, True),
                stresses=stresses,
                source="alloys",
            )
        )
    return Dataset(tuple(blocks))


def cases():
    """Name, options of ``rfp_md.train``, and structures to predict."""
    ethanol = replace(rfp_md.read(ETHANOL).blocks[0], source=ETHANOL.name)
    pair = ["root_distances:width=60", f"{SMALL},width={90}"]
    yield "accurate", {"data": Dataset((ethanol[:80],)), "descriptor": pair, "preset": "accurate"}, ethanol[300:303]
    crystal = [f"{SMALL},body_order=4,four_body_channels=2,width=120"]
    yield (
        "accurate_crystal",
        {"data": alloys(20), "descriptor": crystal, "preset": "accurate"},
        alloys(22).blocks[0][20:],
    )
    fast = ["root_distances:width=120"]
    yield "fast", {"data": Dataset((ethanol[:80],)), "descriptor": fast, "preset": "fast"}, ethanol[300:303]
    exact = ["root_distances", SMALL]
    yield "reference", {"data": Dataset((ethanol[:3],)), "descriptor": exact, "preset": "reference"}, ethanol[300:303]


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    for name, options, frames in cases():
        path = folder / f"format_{FORMAT_VERSION}_{name}.rfp"
        if path.exists():
            continue
        potential = rfp_md.train(output=path, **options)
        prediction = potential.compute(frames)
        expected = {
            "numbers": frames.numbers,
            "positions": frames.positions,
            "cells": frames.cells,
            "pbc": np.array(frames.pbc),
            "energies_ev": prediction.energies,
            "forces_ev_per_angstrom": prediction.forces,
            "virials_ev": prediction.virials,
        }
        values = {key: None if array is None else array.tolist() for key, array in expected.items()}
        path.with_suffix(".json").write_text(json.dumps(values) + "\n")
        print(path, path.stat().st_size)


if __name__ == "__main__":
    main()
