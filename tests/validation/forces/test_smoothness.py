"""Jumps along paths: each derivative's is found with its size, and nothing smooth is taken for one."""

from math import factorial

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.lj import LennardJones
from hypothesis import given
from hypothesis import strategies as st

from rfp_md.calculators.as_potential import CalculatorPotential
from rfp_md.frames import Frames
from rfp_md.io.atoms import from_atoms
from rfp_md.validation.forces.check_forces import check_forces
from rfp_md.validation.forces.smoothness import SPACING, extrapolated_jumps, scan
from tests.validation.analytic_potentials import Molecule, carbon_dioxide, morse, spring, water

S = np.arange(-0.15, 0.45, SPACING)
places = st.floats(-0.1, 0.4)
sizes = st.floats(0.01, 100.0)


def planted(order, place, size):
    """Energies and slopes of a smooth curve, as of a bond, with a jump of that derivative."""
    beyond, after = np.maximum(S - place, 0.0), place < S
    energies = np.cos(4 * S) + size * (beyond**order / factorial(order) if order else after)
    slopes = -4 * np.sin(4 * S) + size * (
        0 if order == 0 else after if order == 1 else beyond ** (order - 1) / factorial(order - 1)
    )
    return extrapolated_jumps(energies, slopes, SPACING)


@pytest.mark.parametrize("order", [0, 1, 2])
@given(place=places, size=sizes)
def test_a_jump_is_found_wherever_it_is_with_its_size(order, place, size):
    assert planted(order, place, size)[order] == pytest.approx(size, rel=0.02, abs=4e-3)


@given(place=places, size=sizes)
def test_a_jump_of_a_slope_is_no_jump_of_the_value(place, size):
    assert planted(1, place, size)[0] < 1e-3 * SPACING * size + 1e-10
    assert planted(2, place, size)[0] < 1e-3 * SPACING * size + 1e-10
    assert planted(2, place, size)[1] < 0.01 * SPACING * size + 1e-10


@given(place=places, size=sizes)
def test_a_jump_of_the_third_derivative_is_not_reported_as_one_of_the_second(place, size):
    energy, force, curvature = planted(3, place, size)
    assert (energy, force) == pytest.approx((0, 0), abs=1e-9 * size + 1e-10)
    assert curvature < 1e-3 * size


@pytest.mark.parametrize("size", [0.04, 0.1])
@given(off=st.floats(-0.5, 0.5))
def test_a_jump_of_the_curvature_is_not_hidden_by_steepness_elsewhere(size, off):
    """On a stiff Morse curve, whose own differences are larger where it is steep."""
    energies, slopes = morse(10.0, 2.7, 0.0)(S)
    beyond = np.maximum(S - 0.3 - off * SPACING, 0.0)
    plain = extrapolated_jumps(energies, slopes, SPACING)
    found = extrapolated_jumps(energies + 0.5 * size * beyond**2, slopes + size * beyond, SPACING)
    assert plain[2] < 1e-3
    assert size - 0.013 < found[2] < size  # what is left of the curve's own differences goes off


@pytest.mark.parametrize("function", [np.sin, np.exp, np.tanh, lambda x: (1 - np.exp(-x)) ** 2, lambda x: x**6])
def test_a_smooth_function_has_no_jumps(function):
    x = 4 * S
    slopes = (function(x + 1e-4) - function(x - 1e-4)) / 2e-4  # to 1e-8
    slopes += (slopes - (function(x + 2e-4) - function(x - 2e-4)) / 4e-4) / 3
    energy, force, curvature = extrapolated_jumps(function(x), 4 * slopes, SPACING)
    assert (energy, force, curvature) == pytest.approx((0, 0, 0), abs=1e-6)


def test_analytic_molecules_have_no_jumps_along_any_path():
    for molecule in (water(), carbon_dioxide()):
        for path in scan(molecule, quick=False):
            assert (path.energy, path.force, path.curvature) == pytest.approx((0, 0, 0), abs=1e-9), path.label


def argon(**options):
    """Two atoms as ASE's Lennard-Jones calculator sees them."""
    frames = Frames(np.array([18, 18]), np.array([[[0, 0, 0], [0, 0, 3.8]]]))
    return CalculatorPotential(LennardJones(sigma=3.4, epsilon=0.0103, **options), frames)


def test_the_force_of_a_truncated_and_shifted_potential_jumps_by_the_force_at_its_cutoff():
    (path,) = [path for path in scan(argon(rc=8.0), quick=True) if path.label == "atom 0 away"]
    x = (3.4 / 8.0) ** 6
    assert path.energy == pytest.approx(0, abs=1e-9)
    assert path.force == pytest.approx(24 * 0.0103 / 8.0 * (x - 2 * x**2), rel=0.01)


def test_a_potential_that_is_smoothed_to_its_slope_only_jumps_in_its_curvature_only():
    (path,) = [path for path in scan(argon(rc=8.0, ro=6.5, smooth=True), quick=True) if path.label == "atom 0 away"]
    assert (path.energy, path.force) == pytest.approx((0, 0), abs=1e-9)
    assert path.curvature > 1e-4


def test_a_shell_that_leaves_the_cutoff_of_a_swelling_crystal_is_seen():
    atoms = Atoms(
        "Ar4", scaled_positions=[[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]], cell=[5.3] * 3, pbc=True
    )
    frames = from_atoms([atoms])
    lj = {"sigma": 3.4, "epsilon": 0.0103}
    inside, outside = 5.4, 6.0  # the second shell is at 5.3 Å: it passes 5.4 Å, and no shell passes 6.0 Å
    swelling = {
        rc: scan(CalculatorPotential(LennardJones(rc=rc, **lj), frames), quick=True)[0] for rc in (inside, outside)
    }
    assert swelling[inside].label == "swelling"
    assert swelling[inside].force > 1e-3
    assert swelling[outside].force < 1e-6


def test_one_bond_of_each_kind_is_stretched_and_all_of_them_if_there_is_time():
    labels = [path.label for path in scan(water(), quick=True)]
    assert labels == ["bond 0–1", "atom 1 away"]
    assert [path.label for path in scan(water(), quick=False)] == ["bond 0–1", "bond 0–2", "atom 1 away"]


def test_a_jump_that_is_not_a_number_on_one_path_only_is_not_lost():
    """Comparisons with NaN are false, so that max() forgets one that does not come first."""

    def broken(d):
        energy, slope = spring(20.0, 0.96)(d)
        return energy, np.where(d > 1.3, np.nan, slope)

    molecule = water()
    molecule.terms = [molecule.terms[0], (0, 2, broken), molecule.terms[2]]
    result = check_forces(molecule)
    assert np.isnan(result.force_jump_ev_per_angstrom)
    assert not result.passed


def test_a_single_atom_has_no_paths_and_no_jumps():
    result = check_forces(Molecule([18], [[0.0, 0.0, 0.0]], []), quick=True)
    assert result.passed
