"""Minima, vibrations and barriers of molecules for which a pencil gives them."""

import json

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.calculators.emt import EMT
from ase.io import write
from scipy.constants import c, e, physical_constants

from rfp_md.calculators.as_potential import CalculatorPotential
from rfp_md.dynamics.relaxation import relax
from rfp_md.errors import UserError
from rfp_md.frames import Frames
from rfp_md.io.atoms import from_atoms, to_atoms
from rfp_md.validation import record
from rfp_md.validation.geometry import check_geometry as geometry
from rfp_md.validation.geometry.check_geometry import check_geometry
from rfp_md.validation.geometry.torsions import rotors
from tests.validation.analytic_potentials import Molecule, PairPotential, carbon_dioxide, diatomic, morse, spring, water

AMU = physical_constants["atomic mass constant"][0]


def per_cm(stiffness, mass):
    """From eV/Å² and amu."""
    return np.sqrt(stiffness * e * 1e20 / (mass * AMU)) / (2 * np.pi * c * 100)


def free(atoms):
    return from_atoms([atoms])


@pytest.mark.parametrize(
    ("curve", "stiffness"), [(spring(100.0, 1.13), 100.0), (morse(11.0, 2.3, 1.13), 2 * 11.0 * 2.3**2)]
)
def test_a_diatomic_vibrates_as_its_spring_and_reduced_mass_say(curve, stiffness):
    result = check_geometry(diatomic(curve, length=1.2))
    reduced = 12.011 * 15.999 / (12.011 + 15.999)
    (frequency,) = result.frequencies_per_cm
    assert frequency == pytest.approx(per_cm(stiffness, reduced), rel=1e-5)
    assert result.verdict == "pass"
    assert result.relaxation_ev == pytest.approx(-curve(np.float64(1.2))[0], abs=1e-6)
    assert result.relaxation_angstrom == pytest.approx(0.035, abs=1e-3)  # half of 0.07 Å each


def test_a_bent_molecule_has_three_vibrations():
    result = check_geometry(water())
    bend, *stretches = result.frequencies_per_cm
    assert result.verdict == "pass"
    assert 1000 < bend < 2000
    assert all(3000 < f < 4500 for f in stretches)
    assert len(stretches) == 2


@pytest.mark.parametrize("seed", [None, 0, 1, 2, 3])
def test_a_linear_molecule_has_four_also_if_it_was_bent_at_first(seed):
    """What the relaxation leaves of the bend must not count as a rotation about the axis."""
    potential = carbon_dioxide()
    if seed is not None:
        bent = potential.reference.positions + 0.05 * np.random.default_rng(seed).standard_normal((1, 3, 3))
        potential.reference = potential.reference.at(bent)
    result = check_geometry(potential)
    frequencies = result.frequencies_per_cm
    assert len(frequencies) == 4
    assert frequencies[0] == pytest.approx(frequencies[1], rel=1e-3)
    assert frequencies[2] == pytest.approx(per_cm(2 * 7 * 2.5**2, 15.999), rel=1e-3)
    assert frequencies[3] == pytest.approx(frequencies[2] * np.sqrt(1 + 2 * 15.999 / 12.011), rel=1e-3)
    assert result.verdict == "pass"


def test_a_relaxation_from_a_saddle_does_not_stay_there():
    result = check_geometry(water(angle=180.0))
    oxygen, *hydrogens = np.array(result.relaxed_positions)
    angle = Atoms("HOH", [hydrogens[0], oxygen, hydrogens[1]]).get_angle(0, 1, 2)
    assert angle == pytest.approx(104.5, abs=0.1)
    assert (result.imaginary_modes, result.verdict) == (0, "pass")


def test_a_molecule_that_falls_apart_or_collapses_fails():
    far = Molecule([6, 8], [[0, 0, 0], [0, 0, 1.13]], [(0, 1, spring(20.0, 3.0))])
    triangle = Molecule([8, 1, 1], water().reference.positions[0], [*water().terms[:2], (1, 2, spring(30.0, 0.6))])
    for potential in (far, triangle):
        result = check_geometry(potential)
        assert result.changed_bonds == 1
        assert result.verdict == "fail"


@pytest.mark.parametrize(("start", "changed"), [(0.81, 0), (0.90, 0), (0.96, 1)])
def test_a_bond_that_was_hot_in_the_reference_counts_as_made(start, changed):
    """Hydrogen's, which counts as one below 0.806 Å."""
    result = check_geometry(diatomic(morse(4.5, 1.9, 0.74), (1, 1), start))
    assert result.changed_bonds == changed
    assert result.verdict == ("fail" if changed else "pass")


def test_what_a_relaxation_leaves_turns_a_light_molecule():
    for start in (0.66, 0.70, 0.78):
        result = check_geometry(diatomic(morse(4.5, 1.9, 0.74), (1, 1), start))
        assert result.rigid_mode_per_cm < 5


def test_a_force_that_does_not_vanish_fails():
    """A bond that is pulled without end."""
    result = check_geometry(diatomic(lambda d: (-0.5 * d + 1e-5 * d**2, -0.5 + 2e-5 * d)))
    assert result.max_force_ev_per_angstrom > 1e-2
    assert result.verdict == "fail"


def test_a_crystal_has_three_rigid_motions():
    cells = 3.7 * np.eye(3)[None]
    positions = 3.7 * np.array([[[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]])
    result = check_geometry(PairPotential(Frames(np.full(4, 29), positions, cells=cells, pbc=(True,) * 3), 3.6))
    assert len(result.frequencies_per_cm) == 9
    assert result.rigid_mode_per_cm < 1
    assert (result.verdict, result.rotors, result.changed_bonds) == ("pass", [], None)


def test_neighbours_of_a_metal_are_no_bonds_that_a_relaxation_could_break():
    atoms = bulk("Al", cubic=True)
    atoms.rattle(0.15, seed=0)
    frames = from_atoms([atoms])
    result = check_geometry(CalculatorPotential(EMT(), frames))
    assert (result.verdict, result.changed_bonds) == ("pass", None)


@pytest.mark.parametrize("where", [0.0, 1.15])
def test_forces_that_are_no_numbers_fail_and_are_no_bad_input(where):
    """From the start, and where the relaxation comes to, beyond which its start of 1.2 Å is."""

    def curve(d):
        energy, slope = morse(11.0, 2.3, 1.13)(d)
        return energy, np.where((d < where) | (where == 0), np.nan, slope)

    result = check_geometry(diatomic(curve, length=1.2))
    assert result.verdict == "fail"
    assert np.isnan([result.max_force_ev_per_angstrom, result.imaginary_modes, result.rigid_mode_per_cm]).all()
    json.dumps(record.plain(result.as_dict()), allow_nan=False)


@pytest.mark.parametrize("periodic", [False, True])
def test_a_single_atom_is_a_minimum(periodic):
    cells = 3.0 * np.eye(3)[None] if periodic else None
    frames = Frames(np.array([29]), np.zeros((1, 1, 3)), cells=cells, pbc=(periodic,) * 3)
    result = check_geometry(PairPotential(frames, 3.6))
    assert (result.verdict, result.frequencies_per_cm, result.rotors) == ("pass", [], [])


def test_the_frequencies_are_those_of_the_structure_that_is_told(monkeypatch):
    """Also where every attempt ends on a saddle."""
    analysed = []

    def vibrations(potential, frames):
        analysed.append(frames.positions)
        return np.array([-100.0]), np.zeros(6), np.full((3, 3), 0.1 * len(analysed))

    monkeypatch.setattr(geometry, "vibrations_of", vibrations)
    result = check_geometry(water())
    np.testing.assert_array_equal(analysed[-1][0], result.relaxed_positions)
    assert result.imaginary_modes == 1


def test_ethanol_has_two_rotors_and_benzene_none():
    ethanol = CalculatorPotential(EMT(), free(molecule("CH3CH2OH")))
    found = rotors(ethanol, ethanol.reference)
    assert sorted(tuple(sorted(r.bond)) for r in found) == [(0, 1), (1, 2)]
    assert sorted(r.turning for r in found) == [2, 4]  # O and H, the methyl group
    assert all(r.barrier_ev > 1e-3 and len(r.profile_ev) == 36 for r in found)
    benzene = CalculatorPotential(EMT(), free(molecule("C6H6")))
    assert rotors(benzene, benzene.reference) == []


def test_another_molecule_stays_where_it_is_when_a_group_turns():
    ethanol, far = molecule("CH3CH2OH"), molecule("CH3CH2OH")
    far.positions += [0, 0, 30]
    alone = rotors(CalculatorPotential(EMT(), free(ethanol)), free(ethanol))
    found = rotors(CalculatorPotential(EMT(), free(ethanol + far)), free(ethanol + far))
    assert sorted(r.turning for r in found) == [2, 2, 4, 4]
    for k, rotor in enumerate(found):
        assert rotor.barrier_ev == pytest.approx(alone[k % 2].barrier_ev, abs=1e-6)


def test_a_molecule_without_torsions_has_no_barrier_and_a_methyl_group_three():
    atoms = molecule("C2H6")
    bonds = [(i, j) for j in range(8) for i in range(j) if atoms.get_distance(i, j) < 1.7]
    stiff = [(i, j, spring(20.0, atoms.get_distance(i, j))) for i, j in bonds]
    (free_rotor,) = rotors(Molecule(atoms.numbers, atoms.positions, stiff), free(atoms))
    assert free_rotor.barrier_ev == pytest.approx(0, abs=1e-12)
    repelling = [(i, j, lambda d: (0.1 * np.exp(-2 * d), -0.2 * np.exp(-2 * d))) for i in (2, 3, 4) for j in (5, 6, 7)]
    (hindered,) = rotors(Molecule(atoms.numbers, atoms.positions, stiff + repelling), free(atoms))
    profile = np.array(hindered.profile_ev)
    np.testing.assert_allclose(profile, np.roll(profile, 12), atol=2e-6)
    assert profile.argmax() == 6  # eclipsed, 60° from the staggered minimum


def test_a_scan_of_its_own_energies_has_no_error(tmp_path):
    potential = diatomic(morse(11.0, 2.3, 1.13))
    images = []
    for d in (1.13, 1.3, 1.5):
        atoms = Atoms("CO", [[0, 0, 0], [0, 0, d]])
        atoms.info["energy"] = 5.0 + 1.1 * potential.energies(free(atoms))[0]
        images.append(atoms)
    write(tmp_path / "scan.xyz", images, format="extxyz")
    scan = check_geometry(potential, scan=tmp_path / "scan.xyz").scan
    assert scan.reference_barrier_ev == pytest.approx(1.1 * scan.barrier_ev, rel=1e-6)
    assert scan.max_error_ev == pytest.approx(0.1 * scan.barrier_ev, rel=1e-5)


def test_a_hole_far_from_the_minimum_hides_that_the_rest_of_a_scan_is_right(tmp_path):
    images = []
    for length, energy in ((1.13, 0.0), (1.23, 0.5), (1.33, 2.0), (1.0, 3.0)):  # the last one is a hole of the spring
        images.append(Atoms("CO", [[0, 0, 0], [0, 0, length]], info={"energy": energy}))
    write(tmp_path / "scan.xyz", images, format="extxyz")
    hole = diatomic(lambda d: (np.where(d < 1.1, -5.0, 50.0 * (d - 1.13) ** 2), 100.0 * (d - 1.13)))
    scan = check_geometry(hole, scan=tmp_path / "scan.xyz").scan
    np.testing.assert_allclose(scan.profile_ev, [0.0, 0.5, 2.0, -5.0], atol=1e-12)
    assert scan.barrier_ev == pytest.approx(2.0)
    assert scan.max_error_ev == pytest.approx(8.0)


@pytest.mark.parametrize(("symbols", "energy"), [("OC", 1.0), ("CO", None)])
def test_a_scan_of_other_atoms_or_without_energies_is_refused(tmp_path, symbols, energy):
    atoms = Atoms(symbols, [[0, 0, 0], [0, 0, 1.1]], info={} if energy is None else {"energy": energy})
    write(tmp_path / "scan.xyz", atoms, format="extxyz")
    with pytest.raises(UserError, match=r"--scan .*scan.xyz: (must hold|has no energies)"):
        check_geometry(diatomic(spring(100.0, 1.13)), scan=tmp_path / "scan.xyz")


def test_a_trained_molecule_relaxes_to_a_minimum(potential):
    relaxed, largest = relax(potential, potential.reference)
    assert largest < 1e-4
    atoms = to_atoms(relaxed)
    assert atoms.get_distance(0, 1) == pytest.approx(1.51, abs=0.05)
    assert potential.energies(relaxed)[0] < potential.energies(potential.reference)[0]
