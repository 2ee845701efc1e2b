"""Molecules whose atoms stand in another order, or that were cut, are named; those that react are not."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from rfp_md.evaluation.labels.molecules import other_orders, torn_molecules
from rfp_md.frames import Dataset
from rfp_md.io import read

DATA = Path(__file__).parents[3] / "examples" / "data"
ETHANOL = read(f"{DATA / 'ethanol_gfn2.extxyz'}@:40").blocks[0]
HYDROGENS = np.flatnonzero(ETHANOL.numbers == 1)


def found(frames, ordered=True):
    return {finding.name: finding for finding in torn_molecules(Dataset((frames,)), ordered=ordered)}


def renumbered(which):
    """Two hydrogens that are farthest apart change their places."""
    distances = np.linalg.norm(ETHANOL.positions[0, HYDROGENS, None] - ETHANOL.positions[0, HYDROGENS], axis=2)
    first, second = HYDROGENS[list(np.unravel_index(distances.argmax(), distances.shape))]
    positions = ETHANOL.positions.copy()
    positions[np.ix_(which, [first, second])] = positions[np.ix_(which, [second, first])]
    return replace(ETHANOL, positions=positions)


def test_frames_in_one_order_are_no_fault():
    assert found(ETHANOL) == {}


def test_frames_in_another_order_are_named_where_it_matters():
    frames = renumbered([7, 11])
    assert "(frame 7, frame 11)" in found(frames)["order of atoms"].text
    assert found(frames, ordered=False) == {}
    assert other_orders(ETHANOL[:1], Dataset((frames,))) == ["frame 7", "frame 11"]


def test_half_of_the_frames_in_another_order_are_told():
    assert found(renumbered(np.arange(0, 40, 2)))["order of atoms"].value == 20


def test_a_molecule_that_was_cut_is_named_and_one_that_broke_is_not():
    positions, energies = ETHANOL.positions.copy(), ETHANOL.energies.copy()
    positions[5, HYDROGENS[:2]] += [9.0, 0.0, 0.0]
    intact = np.delete(energies, 5)
    energies[5] = intact.mean()
    assert "(frame 5)" in found(replace(ETHANOL, positions=positions, energies=energies))["cut molecules"].text
    energies[5] = intact.max() + 4.0
    assert found(replace(ETHANOL, positions=positions, energies=energies)) == {}


def test_a_hydrogen_that_moves_on_is_chemistry():
    oxygen = int(np.flatnonzero(ETHANOL.numbers == 8)[0])
    to_oxygen = np.linalg.norm(ETHANOL.positions[3, HYDROGENS] - ETHANOL.positions[3, oxygen], axis=1)
    hydrogen = HYDROGENS[int(to_oxygen.argmin())]
    positions = ETHANOL.positions.copy()
    positions[3, hydrogen] = positions[3, oxygen] + 2.2 * (positions[3, hydrogen] - positions[3, oxygen])
    assert found(replace(ETHANOL, positions=positions)) == {}
