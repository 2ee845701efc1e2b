"""Labels that contradict each other are told, by the factor and its likely reason; good labels never are."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT

import rfp_md
from rfp_md.errors import UserError
from rfp_md.evaluation.labels.audit import audit_labels
from rfp_md.frames import Dataset, Frames
from rfp_md.io import read
from rfp_md.io.atoms import from_atoms

DATA = Path(__file__).parents[3] / "examples" / "data"
HARTREE, BOHR, KCAL, GPA = 27.211386, 0.529177, 0.0433641, 1 / 160.2176621


@cache
def ethanol() -> Frames:
    return read(f"{DATA / 'ethanol_gfn2.extxyz'}@:60").blocks[0]


def by_emt(structures: list[Atoms]) -> Frames:
    for atoms in structures:
        atoms.calc = EMT()
    return replace(
        from_atoms(structures),
        energies=np.array([atoms.get_potential_energy() for atoms in structures]),
        forces=np.array([atoms.get_forces() for atoms in structures]),
        stresses=np.array([atoms.get_stress(voigt=False) for atoms in structures]),
    )


@cache
def copper() -> Frames:
    """Strained, rattled copper with energies, forces and stresses of EMT."""
    rng, frames = np.random.default_rng(5), []
    for _ in range(30):
        atoms = bulk("Cu", cubic=True)
        atoms.set_cell(atoms.cell.array @ (np.eye(3) + rng.normal(0, 0.02, (3, 3))), scale_atoms=True)
        atoms.positions += rng.normal(0, 0.08, atoms.positions.shape)
        frames.append(atoms)
    return by_emt(frames)


def found(*blocks):
    return {finding.name: finding for finding in audit_labels(Dataset(blocks))}


@pytest.mark.parametrize("frames", [ethanol, copper])
@pytest.mark.parametrize("some", [slice(None), slice(12)])
def test_good_labels_raise_no_alarm(frames, some):
    assert found(frames()[some]) == {}


@pytest.mark.parametrize("frames", [ethanol, copper])
@pytest.mark.parametrize(
    ("energies", "forces", "slope", "remedy"),
    [
        (1.0, BOHR / HARTREE, HARTREE / BOHR, "--energy-unit eV --force-unit hartree/bohr"),
        (1 / HARTREE, BOHR / HARTREE, 1 / BOHR, "--energy-unit hartree --force-unit hartree/bohr"),
        (1.0, 1 / KCAL, KCAL, "--energy-unit eV --force-unit kcal/mol/angstrom"),
        (1 / KCAL, 1.0, 1 / KCAL, "--energy-unit kcal/mol --force-unit eV/angstrom"),
        (1.0, 1 / HARTREE, HARTREE, "--force-unit hartree/angstrom"),
        (1.0, -1.0, -1.0, "the forces seem to be gradients"),
    ],
)
def test_energies_that_do_not_follow_from_the_forces_are_told_with_the_likely_unit(
    frames, energies, forces, slope, remedy
):
    good = frames()
    bad = found(replace(good, energies=energies * good.energies, forces=forces * good.forces))
    assert set(bad) == {"energies against forces"}
    assert bad["energies against forces"].value == pytest.approx(slope, rel=0.05)
    assert remedy in bad["energies against forces"].text


def test_positions_in_bohr_are_told():
    bad = found(replace(ethanol(), positions=ethanol().positions / BOHR))
    assert "--length-unit bohr" in bad["energies against forces"].text


@pytest.mark.parametrize(
    ("factor", "remedy"),
    [(1 / GPA, "--stress-unit GPa"), (10 / GPA, "--stress-unit kbar"), (-1.0, "other sign"), (-10 / GPA, "other sign")],
)
def test_stresses_of_another_unit_or_sign_are_told(factor, remedy):
    bad = found(replace(copper(), stresses=factor * copper().stresses))
    assert set(bad) == {"stresses against forces"}
    assert bad["stresses against forces"].value == pytest.approx(factor, rel=0.1)
    assert remedy in bad["stresses against forces"].text


def test_virials_in_the_place_of_stresses_are_told():
    virials = -copper().stresses * copper().volumes[:, None, None]
    assert "virials in eV" in found(replace(copper(), stresses=virials))["stresses against forces"].text


def test_a_constant_pressure_is_no_fault():
    assert found(replace(copper(), stresses=copper().stresses + 0.05 * np.eye(3))) == {}


def test_energies_of_another_zero_are_no_fault():
    assert found(replace(copper(), energies=copper().energies + 1e5)) == {}


@pytest.mark.parametrize("share", [4, 1])
def test_forces_of_zero_in_the_place_of_missing_ones_are_counted_and_named(share):
    forces = ethanol().forces.copy()
    forces[::share] = 0.0
    finding = found(replace(ethanol(), forces=forces))["zero forces"]
    assert finding.value == 60 / share
    assert f"{60 // share} of 60 frames" in finding.text
    assert "frame 0" in finding.text


def test_a_perfect_crystal_has_forces_of_zero_by_right():
    crystals = []
    for scale in np.linspace(0.95, 1.05, 12):
        atoms = bulk("Cu", cubic=True)
        atoms.set_cell(scale * atoms.cell.array, scale_atoms=True)
        crystals.append(atoms)
    frames = by_emt(crystals)
    assert found(replace(frames, forces=np.zeros_like(frames.forces))) == {}


def test_atoms_that_were_held_fixed_are_no_fault():
    forces = ethanol().forces.copy()
    forces[:, :2] = 0.0
    assert found(replace(ethanol(), forces=forces)) == {}


def test_other_placeholders_are_told():
    good = ethanol()
    assert "positions as forces" in found(replace(good, forces=good.positions))
    assert "equal energies" in found(replace(good, energies=np.full(60, -3.0)))
    some = good.energies.copy()
    some[::5] = 0.0
    assert found(replace(good, energies=some))["zero energies"].value == 12
    stresses = copper().stresses.copy()
    stresses[3] = 0.0
    assert "frame 3" in found(replace(copper(), stresses=stresses))["zero stresses"].text


def test_one_geometry_with_two_energies_is_told_also_when_turned():
    turn = np.linalg.qr(np.random.default_rng(0).standard_normal((3, 3)))[0]
    again = replace(ethanol()[7:8], positions=ethanol().positions[7:8] @ turn, energies=ethanol().energies[7:8] + 0.1)
    text = found(ethanol(), again)["equal geometries"].text
    assert "frame 7 and frame 7" in text
    assert found(ethanol(), replace(again, energies=again.energies - 0.1)) == {}


def test_two_alloys_on_the_sites_of_one_crystal_are_two_geometries():
    atoms = bulk("Cu", cubic=True) * (2, 1, 1)
    places = atoms.get_positions()
    atoms.set_chemical_symbols("Cu4Au4")
    other = atoms.copy()
    other.positions[[0, 1]] = places[[1, 0]]
    other.positions[[3, 4]] = places[[4, 3]]
    both = by_emt([atoms, other])
    assert found(both) == {}
    assert (
        "frame 0 and frame 2"
        in found(
            Frames(
                both.numbers,
                both.positions[[0, 1, 0]],
                both.energies[[0, 1, 1]],
                cells=both.cells[[0, 1, 0]],
                pbc=both.pbc,
            )
        )["equal geometries"].text
    )


def test_a_frame_with_far_closer_atoms_is_named():
    positions = ethanol().positions.copy()
    positions[41, 5] = positions[41, 0] + [0.3, 0.0, 0.0]
    assert "frame 41" in found(replace(ethanol(), positions=positions))["close pairs"].text


def test_few_or_noisy_frames_say_nothing():
    backwards = replace(ethanol(), forces=-ethanol().forces)
    assert found(backwards[:5]) == {}
    noise = np.random.default_rng(0).normal(0, 5.0, 60)
    assert found(replace(backwards, energies=backwards.energies + noise)) == {}


def test_training_warns_before_the_fit_refuses_with_strict_and_keeps_it_in_the_record():
    backwards = Dataset((replace(ethanol(), forces=-ethanol().forces),))
    options = {"descriptor": ["inverse_distances"], "regressor": "random_fourier:width=50"}
    potential = rfp_md.train(backwards, **options)
    assert [label["name"] for label in potential.record["labels"]] == ["energies against forces"]
    with pytest.raises(UserError, match="change their sign"):
        rfp_md.train(backwards, strict=True, **options)
    assert "labels" not in rfp_md.train(Dataset((ethanol(),)), strict=True, **options).record
