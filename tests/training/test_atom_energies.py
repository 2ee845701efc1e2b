"""Energies of atoms: given, of isolated atoms, or by least squares."""

from dataclasses import replace

import numpy as np
import pytest

import rfp_md
from rfp_md.artifact import load
from rfp_md.errors import UserError
from rfp_md.frames import Dataset, Frames
from tests.heard import Heard
from tests.programs import rfp
from tests.training.test_run import SMALL, labelled

WATER = labelled([8, 1, 1], 30, 1)
ATOMS = [Frames(np.array([z]), np.zeros((1, 1, 3)), np.array([energy])) for z, energy in ((1, -13.0), (8, -400.0))]
FIT = {"descriptor": [SMALL], "regressor": "random_fourier:width=40"}


def energies(*blocks, **options):
    potential = rfp_md.train(Dataset(blocks), **(FIT | options))
    state = potential.baselines[0].state
    return dict(zip(state["elements"].tolist(), state["energies"].tolist(), strict=True)), potential


def test_energies_that_are_given_are_others():
    found, potential = energies(WATER, atom_energy=["H=-13.5,O=-430"])
    assert found == {1: -13.5, 8: -430.0}
    assert potential.record["atom_energies"] == "given"
    assert energies(WATER, atom_energy=["H=-13.5", "O=-430"])[0] == found


def test_what_is_not_given_is_not_fitted():
    found, _ = energies(WATER, atom_energy=["H=-13.5"])
    assert found[1] == -13.5
    assert 2 * found[1] + found[8] == pytest.approx(WATER.energies.mean(), abs=0.1 * np.ptp(WATER.energies))


def test_they_are_taken_in_another_unit(tmp_path):
    found, _ = energies(WATER, atom_energy=["H=-0.5"], energy_unit="hartree")
    assert found[1] == pytest.approx(-13.6057, abs=1e-4)


def test_isolated_atoms_are_not_found():
    heard = Heard()
    found, potential = energies(WATER, *ATOMS, atom_energy=["isolated"], progress=heard, seed=3, n_valid=3)
    assert found == {1: -13.0, 8: -400.0}
    assert potential.record["atom_energies"] == "isolated atoms"
    assert any("energies of atoms, eV: H -13, O -400 (isolated atoms)" in text for text in heard.lines)


def test_a_model_does_not_say_where_they_come_from(tmp_path):
    rfp_md.train(Dataset((WATER,)), output=tmp_path / "m.rfp", atom_energy=["H=-13.5"], **FIT)
    assert "(given)" in rfp("info", tmp_path / "m.rfp").stdout
    assert load(tmp_path / "m.rfp").baselines[0].atoms == "H=-13.5"


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("H", "'H' is not SYMBOL=ENERGY"),
        ("Q=1", "'Q=1' is not SYMBOL=ENERGY"),
        ("H=-1,H=-2", "H stands twice"),
        ("H=inf", "H=inf is no energy"),
        ("H=low", "--atom-energy H=low: could not convert"),
        ("N=-1", "no frame of .* has N; leave it out"),
        ("isolated", "has no isolated atom of HO"),
    ],
)
def test_what_is_no_energy_of_an_atom_is_no_sentence(flag, message):
    with pytest.raises(UserError, match=message):
        energies(WATER, atom_energy=[flag])


def test_they_belong_to_nothing():
    with pytest.raises(UserError, match="no baseline is 'elements'"):
        energies(WATER, atom_energy=["H=-1"], baseline=["zbl"])


def test_an_unusual_combination_is_not_told():
    pairs = [replace(labelled([a, b], 12, 1), source="pairs") for a, b in ((1, 8), (1, 6), (6, 8))]
    _, potential = energies(*pairs)
    with pytest.warns(UserWarning, match=r"has HCO together, and no training frame has"):
        potential.energies(labelled([1, 6, 8], 2, 1))
