import json
import re

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.calculator import PropertyNotImplementedError
from hypothesis import given
from hypothesis import strategies as st

from rfp_md.errors import UserError
from rfp_md.frames import Frames
from rfp_md.interfaces.ase import RFPCalculator
from rfp_md.io.atoms import to_atoms
from rfp_md.structures.atom_order import check_labelled_order


def test_the_calculator_gives_the_potential_s_energy_and_forces(model, potential, ethanol):
    atoms = Atoms(ethanol.numbers, ethanol.positions[5], calculator=RFPCalculator(model))
    expected = potential.compute(ethanol[5:6])
    assert atoms.get_potential_energy() == pytest.approx(expected.energies[0])
    assert atoms.get_potential_energy(force_consistent=True) == atoms.get_potential_energy()
    np.testing.assert_allclose(atoms.get_forces(), expected.forces[0])


def test_members_and_uncertainty_are_computed_where_they_are_asked_for(potential, ethanol):
    atoms = Atoms(ethanol.numbers, ethanol.positions[5], calculator=RFPCalculator(potential, committee=True))
    atoms.get_forces()
    results, expected = atoms.calc.results, potential.committee(ethanol[5:6])
    np.testing.assert_allclose(results["energies_committee"], expected.energies[:, 0])
    np.testing.assert_allclose(results["forces_committee"].mean(axis=0), atoms.get_forces(), atol=1e-9)
    assert atoms.calc.get_property("energy_uncertainty", atoms) == pytest.approx(expected.spread.energies[0])
    np.testing.assert_allclose(results["forces_uncertainty"], expected.spread.forces[0])
    plain = RFPCalculator(potential)
    assert atoms.get_potential_energy() == pytest.approx(plain.get_potential_energy(atoms))
    assert "energy_uncertainty" not in plain.results
    with pytest.raises(PropertyNotImplementedError):
        plain.get_property("energy_uncertainty", atoms)


def test_moved_atoms_are_computed_anew(potential, ethanol):
    atoms = Atoms(ethanol.numbers, ethanol.positions[0], calculator=RFPCalculator(potential))
    before = atoms.get_potential_energy()
    atoms.positions[0, 0] += 0.05
    assert atoms.get_potential_energy() != before


def test_other_atoms_are_refused(potential):
    atoms = Atoms("CO", [[0, 0, 0], [0, 0, 1.1]], calculator=RFPCalculator(potential))
    with pytest.raises(UserError, match="has atoms CO, but the model was trained on C2OH6"):
        atoms.get_potential_energy()


@given(seed=st.integers(0, 2**32 - 1))
def test_atoms_in_another_order_are_refused_with_the_order_to_take(potential, ethanol, seed):
    rng = np.random.default_rng(seed)
    atoms = Atoms(ethanol.numbers, ethanol.positions[rng.integers(len(ethanol))])
    mixed = atoms[rng.permutation(9)]
    mixed.calc = RFPCalculator(potential)
    try:
        mixed.get_potential_energy()
    except UserError as error:
        found = re.fullmatch(
            r"the atoms: stand in another order than the model's, C2OH6; take atoms\[(.*)\].*", str(error)
        )
        mixed = mixed[json.loads(found[1])]
        mixed.calc = RFPCalculator(potential)
    assert mixed.get_potential_energy() == pytest.approx(RFPCalculator(potential).get_potential_energy(atoms))


def test_like_atoms_that_changed_places_are_refused(potential, ethanol):
    """Elements alone do not tell: energies would be wrong by electron volts."""
    atoms = Atoms(ethanol.numbers, ethanol.positions[0], calculator=RFPCalculator(potential))
    atoms.positions[[0, 1]] = atoms.positions[[1, 0]]
    with pytest.raises(UserError, match=r"another order than the model's, C2OH6; take atoms\[\[1, 0, 2, "):
        atoms.get_potential_energy()


def test_a_bond_may_be_pulled_apart(potential, ethanol):
    """At once, too: a scan need not begin at a molecule."""
    atoms = Atoms(ethanol.numbers, ethanol.positions[0], calculator=RFPCalculator(potential))
    for _ in range(2):
        atoms.positions[8] += 1.5 * (atoms.positions[8] - atoms.positions[2])
        assert np.isfinite(atoms.get_potential_energy())


def test_two_atoms_are_ordered_by_their_elements():
    def pair(*numbers):
        return Frames(np.array(numbers), np.array([[[0.0, 0, 0], [0, 0, 1.1]]]), source="the atoms")

    check_labelled_order(pair(6, 8), pair(6, 8))
    with pytest.raises(UserError, match=r"than the model's, CO; take atoms\[\[1, 0\]\] instead"):
        check_labelled_order(pair(6, 8), pair(8, 6))


def test_the_driver_serves_ases_socket_calculator(model, potential):
    """ASE as the server, which asks for INIT again after every step and sends one message at a time."""
    import socket
    import subprocess
    import sys

    from ase.calculators.socketio import SocketIOCalculator

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    atoms = to_atoms(potential.reference)
    command = [sys.executable, "-m", "rfp_md.driver", "--model", str(model), "--host", "127.0.0.1", "--port", str(port)]
    driver = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        with SocketIOCalculator(port=port) as calculator:
            atoms.calc = calculator
            for _ in range(3):
                atoms.rattle(0.02, seed=1)
                expected = potential.compute(potential.reference.at(atoms.positions[None]))
                assert atoms.get_potential_energy() == pytest.approx(expected.energies[0], abs=1e-9)
                np.testing.assert_allclose(atoms.get_forces(), expected.forces[0], atol=1e-9)
        # ASE closes the connection without a word.
        assert driver.wait(30) == 1
        assert "closed the connection without EXIT after 3 evaluations" in driver.stderr.read()
    finally:
        driver.kill()
        driver.communicate()


def test_other_atoms_that_do_not_follow_from_the_last_are_looked_at_again(potential, ethanol):
    calculator = RFPCalculator(potential)
    Atoms(ethanol.numbers, ethanol.positions[0], calculator=calculator).get_potential_energy()
    first, second = np.flatnonzero(ethanol.numbers == 1)[[0, -1]]
    other = Atoms(ethanol.numbers, ethanol.positions[1], calculator=calculator)
    other.positions[[first, second]] = other.positions[[second, first]]
    for _ in range(2):
        with pytest.raises(UserError, match="in another order"):
            other.get_potential_energy()
