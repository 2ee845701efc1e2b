import numpy as np
import pytest
from ase import Atoms

from rfp_md.errors import UserError
from rfp_md.interfaces.ase import RFPCalculator, to_atoms


def test_the_calculator_gives_the_potential_s_energy_and_forces(model, potential, ethanol):
    atoms = Atoms(ethanol.numbers, ethanol.positions[5], calculator=RFPCalculator(model))
    expected = potential.compute(ethanol[5:6])
    assert atoms.get_potential_energy() == pytest.approx(expected.energies[0])
    assert atoms.get_potential_energy(force_consistent=True) == atoms.get_potential_energy()
    np.testing.assert_allclose(atoms.get_forces(), expected.forces[0])


def test_moved_atoms_are_computed_anew(potential, ethanol):
    atoms = Atoms(ethanol.numbers, ethanol.positions[0], calculator=RFPCalculator(potential))
    before = atoms.get_potential_energy()
    atoms.positions[0, 0] += 0.05
    assert atoms.get_potential_energy() != before


def test_other_atoms_are_refused(potential):
    atoms = Atoms("CO", [[0, 0, 0], [0, 0, 1.1]], calculator=RFPCalculator(potential))
    with pytest.raises(UserError, match="has atoms CO, but the model was trained on C2OH6"):
        atoms.get_potential_energy()


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
