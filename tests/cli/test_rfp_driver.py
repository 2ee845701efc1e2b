"""rfp-driver as a process: addresses, failures, signals and exit codes."""

import signal
import socket
import subprocess
import sys
import threading

import numpy as np
import pytest
from ase.units import Bohr

from tests.driver.server import header, init_message, receive, receive_forces, structure_message
from tests.programs import driver


def start(*arguments):
    command = [sys.executable, "-m", "rfp_md.driver", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process):
    """Exit code and the last line of stderr; nothing may be on stdout."""
    output, errors = process.communicate(timeout=60)
    assert output == ""
    assert "Traceback" not in errors
    return process.returncode, errors.strip().splitlines()[-1]


def refused(*arguments):
    """The last line of stderr of a driver that must exit with 2 before it has a server."""
    result = driver(*arguments)
    assert (result.returncode, result.stdout) == (2, ""), result.stderr
    return result.stderr.strip().splitlines()[-1]


@pytest.fixture
def listener(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(str(tmp_path / "ipi_test"))
        server.listen(1)
        server.settimeout(60)
        yield server


def accept(listener):
    connection, _ = listener.accept()
    connection.settimeout(60)
    return connection


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([], "no address: give --unix NAME, --shm NAME, or --host HOST and --port PORT"),
        (["--unix", "a", "--port", "31415"], "--unix and --host/--port name two servers; give one"),
        (["--unix", "a", "--shm", "b"], "--unix and --shm name two servers; give one"),
        (["--unix", "x" * 200], "the path is longer than 107 bytes"),
        (["--unix", "x" * 200, "--print-ipi"], "the path is longer than 107 bytes"),
        (["--unix", "a/b", "--print-ipi"], "'a/b': i-PI's name of a unix socket has no slash"),
        (["--unix", "/nowhere/", "--print-ipi"], "'/nowhere/' names no unix socket"),
        (["--shm", ""], "'' names no unix socket"),
        (["--unix", "/nowhere/ipi_none", "--timeout", "0.2"], "no server at unix socket /nowhere/ipi_none after 0.2 s"),
        (["--port", "70000"], "--port"),
        (["--unix", "a", "--timeout", "inf"], "--timeout"),
        (["--frobnicate"], "No such option"),
    ],
)
def test_an_address_that_leads_nowhere_is_one_sentence(model, flags, message):
    line = refused("--model", model, *flags)
    assert line.startswith("rfp-driver: ")
    assert message in line


def test_a_file_that_is_no_model_is_refused_before_connecting(tmp_path):
    (tmp_path / "bad.rfp").write_text("nonsense")
    assert "bad.rfp: is not an rfp model" in refused("--model", tmp_path / "bad.rfp", "--unix", "never")


def test_a_driver_may_be_started_before_its_server(model, tmp_path, potential):
    process = start("--model", model, "--unix", tmp_path / "ipi_late", "--timeout", "60")
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=3)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(str(tmp_path / "ipi_late"))
        server.listen(1)
        server.settimeout(60)
        with accept(server) as connection:
            connection.sendall(header("STATUS") + init_message())
            assert receive(connection, 12) == header("NEEDINIT")
            connection.sendall(header("EXIT"))
            code, line = finish(process)
    assert (code, line) == (0, "rfp-driver: the server said EXIT after 0 evaluations")


def test_an_inet_socket_is_served(model, potential):
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)
        process = start("--model", model, "--host", "127.0.0.1", "--port", server.getsockname()[1])
        with accept(server) as connection:
            connection.sendall(structure_message(potential.reference.positions[0] / Bohr, 100 * np.eye(3)))
            connection.sendall(header("GETFORCE"))
            assert receive_forces(connection)[1].shape == (9, 3)
            connection.sendall(header("EXIT"))
            assert finish(process)[0] == 0


def test_a_port_in_use_by_another_program_is_one_sentence(model):
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)
        port = server.getsockname()[1]
        process = start("--model", model, "--host", "127.0.0.1", "--port", port)
        with accept(server) as connection:
            connection.sendall(b"220 mail.example.org ESMTP\r\n")
            code, line = finish(process)
    assert code == 2
    assert f"127.0.0.1:{port} does not speak the i-PI protocol: it sent the header '220 mail.exa'" in line


def test_a_silent_server_is_left_after_the_timeout(model, listener, tmp_path):
    process = start("--model", model, "--unix", tmp_path / "ipi_test", "--timeout", "1")
    with accept(listener):
        code, line = finish(process)
    assert (code, "said nothing in 1 s" in line) == (2, True)


def test_a_server_that_dies_is_reported(model, listener, tmp_path):
    process = start("--model", model, "--unix", tmp_path / "ipi_test")
    with accept(listener) as connection:
        connection.sendall(header("STATUS"))
        receive(connection, 12)
    code, line = finish(process)
    assert (code, line) == (1, "rfp-driver: the server closed the connection without EXIT after 0 evaluations")


def test_exit_of_a_server_that_does_not_wait_for_its_status_is_success(model, listener, tmp_path):
    process = start("--model", model, "--unix", tmp_path / "ipi_test")
    with accept(listener) as connection:
        connection.sendall(header("STATUS") + header("EXIT"))
    code, line = finish(process)
    assert (code, line) == (0, "rfp-driver: the server said EXIT after 0 evaluations")


def test_a_server_that_stops_in_the_middle_of_a_message_is_left(model, listener, tmp_path):
    process = start("--model", model, "--unix", tmp_path / "ipi_test", "--timeout", "1")
    with accept(listener) as connection:
        connection.sendall(header("STATUS")[:7])
        code, line = finish(process)
    assert code == 2
    assert "but stopped in the middle of a message and said nothing more in 1 s; is it i-PI, and not stuck?" in line


def test_a_question_before_its_structure_is_one_sentence(model, listener, tmp_path):
    process = start("--model", model, "--unix", tmp_path / "ipi_test")
    with accept(listener) as connection:
        connection.sendall(header("GETFORCE"))
        code, line = finish(process)
    assert (code, line.endswith("does not speak the i-PI protocol: it sent GETFORCE before POSDATA")) == (2, True)


def test_a_pool_goes_on_where_the_server_takes_no_more_connections(model, listener, tmp_path, potential):
    process = start("--model", model, "--unix", tmp_path / "ipi_test", "--connections", "3")
    with accept(listener) as connection:
        listener.close()
        connection.sendall(header("STATUS"))
        receive(connection, 12)
        connection.sendall(structure_message(potential.reference.positions[0] / Bohr, 100 * np.eye(3)))
        connection.sendall(header("GETFORCE"))
        receive_forces(connection)
        connection.sendall(header("EXIT"))
        errors = process.communicate(timeout=60)[1]
    assert process.returncode == 0
    assert "rfp-driver: connection 2 of 3 could not be made (Connection refused); going on with 1" in errors


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(model, listener, tmp_path, number):
    process = start("--model", model, "--unix", tmp_path / "ipi_test")
    with accept(listener) as connection:
        connection.sendall(header("STATUS"))
        receive(connection, 12)
        threading.Timer(0.2, process.send_signal, [number]).start()
        code, line = finish(process)
        assert connection.recv(1) == b""
    assert code == 128 + number
    assert line == f"rfp-driver: stopped by {number.name} after 0 evaluations"


@pytest.mark.parametrize(
    "flags", [["--nvt"], ["--pimd", "4"], ["--unix", "x", "--nve"], ["--port", "31415"], ["--shm", "y"]]
)
def test_a_complete_ipi_input_is_printed(model, flags):
    result = driver("--model", model, "--print-ipi", *flags)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("<simulation")
    direct = not any(flag in flags for flag in ("--unix", "--port", "--shm"))
    assert ("<ffdirect" in result.stdout) == direct
    assert ("<exit_on_disconnect> True" in result.stdout) == (not direct)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--print-ipi", "--nve", "--nvt"], "--nve, --nvt and --pimd exclude each other"),
        (["--unix", "a", "--nvt"], "say what --print-ipi prints"),
        (["--print-ipi", "--init", "nowhere.xyz"], "nowhere.xyz: no such file"),
        (["--mdi", "-port 1", "--committee"], "--committee and --max-uncertainty are not for --mdi"),
        (["--unix", "a", "--print-ipi", "--committee"], "ffcommittee works with an inet socket only; give --host"),
        (["--unix", "a", "--mdi", "-port 1"], "--mdi and an address name two servers"),
        (["--unix", "a", "--template", "nowhere.xyz"], "nowhere.xyz: no such file"),
    ],
)
def test_flags_that_do_not_go_together_are_one_sentence(model, flags, message):
    assert message in refused("--model", model, *flags)
