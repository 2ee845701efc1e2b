"""The MDI engine against the MDI library's own driver side, in another process on loopback."""

import json
import signal
import socket
import subprocess
import sys

import numpy as np
import pytest
from ase.units import Bohr, Hartree

from rfp_md.errors import UserError
from rfp_md.interfaces.mdi import serve_mdi
from rfp_md.interfaces.mdi.engine import MDIEngine
from rfp_md.interfaces.mdi.serve import parse_options
from tests.interfaces.stand_ins import Altered, Periodic, spoil

TCP = "-role ENGINE -name rfp -method TCP -hostname localhost"

# Reads [command, data to send or how many numbers to receive] lines of JSON, and answers with what it received.
DRIVER = """
import json, sys, time
import mdi
mdi.MDI_Init(f"-role DRIVER -name test -method TCP -port {sys.argv[1]}")
print("listening", flush=True)
engine = mdi.MDI_Accept_Communicator()
for line in sys.stdin:
    command, kind, data = json.loads(line)
    kind = getattr(mdi, f"MDI_{kind}")
    start = time.perf_counter()
    if command == "check":
        answer = mdi.MDI_Check_Command_Exists("@DEFAULT", data, engine)
    else:
        mdi.MDI_Send_Command(command, engine)
        answer = None
        if command.startswith(">"):
            mdi.MDI_Send(data, len(data), kind, engine)
        elif command.startswith("<"):
            answer = mdi.MDI_Recv(data, kind, engine)
    print(json.dumps([answer, time.perf_counter() - start]), flush=True)
"""

ENGINE = """
import signal, sys
from rfp_md import load
from rfp_md.cli.console import fail
from rfp_md.errors import UserError
from rfp_md.interfaces.mdi import serve_mdi
potential = load(sys.argv[1])
signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(143))
try:
    print(serve_mdi(potential, potential.reference, sys.argv[2], timeout=float(sys.argv[3])), "evaluations")
except UserError as error:
    fail("engine", str(error))
except ConnectionError as error:
    fail("engine", str(error), code=1)
"""


class Driver:
    """The MDI library as a driver, in a process of its own."""

    def __init__(self, port):
        command = [sys.executable, "-c", DRIVER, str(port)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "listening\n"
        self.seconds = []

    def __call__(self, command, data=None, kind="DOUBLE"):
        self.process.stdin.write(json.dumps([command, kind, data]) + "\n")
        self.process.stdin.flush()
        answer, seconds = json.loads(self.process.stdout.readline())
        self.seconds.append(seconds)
        return answer


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


@pytest.fixture
def pair(model):
    """A driver and the engine that it talks to."""
    pytest.importorskip("mdi", reason="the MDI library is not installed: pip install 'rfp-md[mdi]'")
    port = free_port()
    driver = Driver(port)
    command = [sys.executable, "-c", ENGINE, str(model), f"{TCP} -port {port}", "60"]
    engine = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    yield driver, engine
    for process in (engine, driver.process):
        process.kill()
        process.communicate()


def test_it_answers_what_fix_mdi_qm_asks(pair, potential, ethanol):
    """The messages of LAMMPS's fix mdi/qm, in a periodic box in which the molecule is wrapped."""
    driver, engine = pair
    wanted = [">NATOMS", ">CELL_DISPL", ">ELEMENTS", ">TYPES", "<STRESS", "<PE", "<ENERGY", "<FORCES", "EXIT"]
    assert all(driver("check", name) for name in wanted)
    assert not driver("check", "<KE_ELEC")
    cell = np.array([[9.0, 0, 0], [1, 8, 0], [-2, 1, 10]])
    driver(">NATOMS", [9], "INT")
    driver(">CELL_DISPL", [0.0, 0.0, 0.0])
    driver(">CELL", (cell / Bohr).reshape(-1).tolist())
    driver(">ELEMENTS", ethanol.numbers.tolist(), "INT")
    expected = potential.compute(ethanol[:3])
    for k in range(3):
        fractions = ethanol.positions[k] @ np.linalg.inv(cell)
        wrapped = (fractions - np.floor(fractions)) @ cell
        assert np.ptp(wrapped, axis=0).max() > 5.0, "nothing was wrapped"
        driver(">COORDS", (wrapped / Bohr).reshape(-1).tolist())
        assert driver("<ENERGY", 1) * Hartree == pytest.approx(expected.energies[k], abs=1e-8)
        assert driver("<PE", 1) * Hartree == pytest.approx(expected.energies[k], abs=1e-8)
        forces = np.reshape(driver("<FORCES", 27), (9, 3)) * Hartree / Bohr
        np.testing.assert_allclose(forces, expected.forces[k], atol=1e-8)
        stress = np.reshape(driver("<STRESS", 9), (3, 3)) * Hartree / Bohr**3
        np.testing.assert_allclose(stress, expected.virials[k] / 720, atol=1e-8)
    # The kernel's timer would delay every command by 40 ms at least; a busy machine delays some of them, never all.
    assert min(driver.seconds[-15:]) < 0.03
    driver("EXIT")
    output, errors = engine.communicate(timeout=30)
    assert (engine.returncode, output) == (0, "3 evaluations\n"), errors


def test_other_elements_than_the_model_s_are_refused(pair, ethanol):
    driver, engine = pair
    driver(">NATOMS", [9], "INT")
    driver(">ELEMENTS", ethanol.numbers[::-1].tolist(), "INT")
    driver(">COORDS", [float(k) for k in range(27)])
    driver.process.stdin.write('["<ENERGY", "DOUBLE", 1]\n')
    driver.process.stdin.flush()
    _, errors = engine.communicate(timeout=30)
    assert engine.returncode == 2
    assert "the MDI driver's atoms: has atoms H6OC2, but the model was trained on C2OH6 in this order" in errors


def test_a_driver_that_dies_is_one_sentence(pair):
    driver, engine = pair
    assert driver("<NATOMS", 1, "INT") == 9
    driver.process.kill()
    _, errors = engine.communicate(timeout=30)
    assert engine.returncode == 1
    assert "the MDI driver closed the connection without EXIT" in errors


def test_a_signal_ends_the_wait_for_a_command(pair):
    driver, engine = pair
    assert driver("<NATOMS", 1, "INT") == 9
    engine.send_signal(signal.SIGTERM)
    engine.communicate(timeout=10)
    assert engine.returncode == 143


def test_no_driver_in_time_is_one_sentence(model):
    pytest.importorskip("mdi", reason="the MDI library is not installed: pip install 'rfp-md[mdi]'")
    command = [sys.executable, "-c", ENGINE, str(model), f"{TCP} -port {free_port()}", "0.5"]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert result.returncode == 2
    assert "no MDI driver at 127.0.0.1:" in result.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("", "not the options of an MDI engine over TCP"),
        ("-role DRIVER -method TCP -hostname localhost -port 8021", "not the options of an MDI engine"),
        ("-role ENGINE -method MPI -hostname localhost -port 8021", "not the options of an MDI engine"),
        ("-hostname localhost", "not the options of an MDI engine"),
        ("-hostname localhost -port 80210", "not the options of an MDI engine"),
        ("-hostname localhost -port", "not the options of an MDI engine"),
        ("-hostname no.such.host.invalid -port 8021", "this machine knows no host 'no.such.host.invalid'"),
    ],
)
def test_options_that_lead_nowhere_are_one_sentence(options, message):
    with pytest.raises(UserError, match=message):
        parse_options(options)


def test_what_may_be_left_out_of_the_options_is_filled_in():
    host, port, text = parse_options("-port 8021 -hostname localhost")
    assert (host, port) == ("127.0.0.1", 8021)
    assert text == "-role ENGINE -name rfp -method TCP -port 8021 -hostname 127.0.0.1"


def test_a_missing_library_names_the_remedy(monkeypatch, potential):
    monkeypatch.setitem(sys.modules, "mdi", None)
    with pytest.raises(UserError, match=r"pip install 'rfp-md\[mdi\]'"):
        serve_mdi(potential, potential.reference, "-hostname localhost -port 8021")


# What the engine answers, without a wire.


class Messages:
    """A channel that gives what it was given, and keeps what it gets."""

    def __init__(self, *given):
        self.given, self.sent = list(given), []

    def receive(self, count):
        return np.array(self.given.pop(0), dtype=float)

    def receive_integers(self, count):
        return np.array(self.given.pop(0))

    def send(self, values):
        self.sent.append(np.asarray(values))


def tell(engine, command, *given):
    channel = Messages(*given)
    engine.answer(command, channel)
    return channel.sent[0] if channel.sent else None


def test_a_periodic_model_sees_the_cell_and_its_stress_is_the_slope_along_it(rng):
    positions = rng.normal(scale=0.2, size=(4, 3)) + np.array([[0, 0, 0], [4, 0, 0], [0, 4, 0], [0, 0, 4.0]])
    cell = np.array([[8.0, 0, 0], [1, 8, 0], [0.5, -1, 9]])

    def engine(strain):
        made = MDIEngine(Periodic(), None)
        tell(made, ">NATOMS", [4])
        tell(made, ">ELEMENTS", [18] * 4)
        tell(made, ">CELL", (cell @ (np.eye(3) + strain) / Bohr).reshape(-1))
        tell(made, ">COORDS", (positions @ (np.eye(3) + strain) / Bohr).reshape(-1))
        return made

    stress = tell(engine(0.0), "<STRESS")
    for row, column in ((0, 0), (1, 0)):
        strain = np.zeros((3, 3))
        strain[row, column] = 1e-4
        slope = (tell(engine(strain), "<PE") - tell(engine(-strain), "<PE")) / 2e-4
        assert stress[row, column] * np.linalg.det(cell / Bohr) == pytest.approx(float(-slope), rel=1e-4, abs=1e-8)


def test_types_that_contradict_the_order_of_the_atoms_are_refused(potential):
    engine = MDIEngine(potential, potential.reference)
    tell(engine, ">TYPES", [7, 7, 2, 3, 3, 3, 3, 3, 3])
    with pytest.raises(UserError, match="atoms of type 1 have several elements"):
        tell(engine, ">TYPES", [1, 2, 1, 3, 3, 3, 3, 3, 3])


@pytest.mark.parametrize(
    ("commands", "message"),
    [
        ([("<STRESS", [])], "has sent no >CELL"),
        ([(">NATOMS", [[5]]), ("<PE", [])], "the MDI driver has 5 atoms, the model's template has 9"),
        ([(">NATOMS", [[-1]])], "says that it has -1 atoms"),
        ([("@INIT_MD", [])], "the MDI driver sent '@INIT_MD'; this engine knows @DEFAULT"),
    ],
)
def test_what_cannot_be_answered_is_one_sentence(potential, commands, message):
    engine = MDIEngine(potential, potential.reference)
    *before, (last, given) = commands
    for command, taken in before:
        tell(engine, command, *taken)
    with pytest.raises(UserError, match=message):
        tell(engine, last, *given)


def test_a_result_that_is_not_finite_is_not_sent(potential):
    engine = MDIEngine(Altered(potential, 1, spoil), potential.reference)
    with pytest.raises(UserError, match="not finite"):
        tell(engine, "<FORCES")


def test_an_answer_is_given_anew_after_the_atoms_have_moved(potential, ethanol):
    engine = MDIEngine(potential, ethanol[:1])
    before = tell(engine, "<PE")
    tell(engine, ">COORDS", (ethanol.positions[1] / Bohr).reshape(-1))
    assert tell(engine, "<PE") != before
    assert engine.evaluations == 2
