"""What goes wrong in the middle of a run with real i-PI, provoked."""

import contextlib
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rfp_md.artifact import save
from rfp_md.driver.protocol import ProtocolError, SocketPayload
from rfp_md.driver.session import Session
from rfp_md.driver.transports import UnixAddress
from rfp_md.errors import UserError
from rfp_md.interfaces.ipi.input import ipi_input
from tests.cli.test_rfp_driver import finish, start
from tests.driver.server import header, init_message

IPI = Path(sys.executable).with_name("i-pi")


# rfp-driver that sends half of its 50th reply and is gone: kill -9 from outside would now and then hit it between
# messages, where i-PI 3.3 itself breaks (its polling thread dies of ConnectionResetError).
KILLED_IN_MID_REPLY = """
import os, signal
from rfp_md.driver.session import Session
send, replies = Session._send, []

def half(self, message):
    replies.extend([1] if message.startswith(b"FORCEREADY") else [])
    if len(replies) == 50:
        self.socket.sendall(message[: len(message) // 2])
        os.kill(os.getpid(), signal.SIGKILL)
    send(self, message)

Session._send = half
from rfp_md.cli.rfp_driver import main
main()
"""


class IPIRun:
    """i-PI with ``input.xml`` of a folder, and drivers that come and go."""

    def __init__(self, folder, **options):
        self.folder, self.processes = folder, []
        self.address = UnixAddress(f"{folder}/socket")
        (folder / "input.xml").write_text(options.pop("text"))
        self.ipi = self.begin([IPI, "input.xml"], "ipi.log")

    def begin(self, command, log):
        with (self.folder / log).open("wb") as file:
            process = subprocess.Popen(
                [str(part) for part in command], cwd=self.folder, stdout=file, stderr=subprocess.STDOUT
            )
        self.processes.append(process)
        return process

    def driver(self, log="driver.log", *flags, program=("-m", "rfp_md.driver")):
        model = self.folder / "model.rfp"
        return self.begin([sys.executable, *program, "--model", model, "--unix", self.address.path, *flags], log)

    def steps(self):
        path = self.folder / "run.out"
        return [] if not path.is_file() else [line.split() for line in path.read_text().splitlines() if line[0] != "#"]

    def wait_for_steps(self, number):
        deadline = time.monotonic() + 60
        while len(self.steps()) < number:
            assert time.monotonic() < deadline, (self.folder / "ipi.log").read_text()
            time.sleep(0.05)

    def end(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()


@pytest.fixture
def begin(potential, tmp_path):
    """A function that starts an NVE run of so many steps, without a driver."""
    runs = []

    def run(name, steps, model=potential, **options):
        folder = tmp_path / name
        folder.mkdir()
        save(model, folder / "model.rfp")
        address = UnixAddress(f"{folder}/socket")
        text = ipi_input(potential, folder / "model.rfp", address, steps=steps, stride=1, **options)
        runs.append(IPIRun(folder, text=text))
        return runs[-1]

    yield run
    for one in runs:
        one.end()


def test_a_driver_that_is_killed_is_replaced_and_no_step_is_lost(begin):
    whole, broken = begin("whole", 400), begin("broken", 400)
    whole.driver()
    first = broken.driver(program=("-c", KILLED_IN_MID_REPLY))
    assert first.wait(60) == -signal.SIGKILL
    second = broken.driver("second.log")
    for process in (whole.ipi, broken.ipi, second):
        process.wait(120)
    assert second.returncode == 0
    for expected, found in zip(whole.steps(), broken.steps(), strict=True):
        np.testing.assert_allclose(np.array(found, dtype=float), np.array(expected, dtype=float), rtol=1e-9, atol=1e-12)


def test_a_driver_notices_that_ipi_was_killed(begin):
    run = begin("run", 100_000)
    driver = run.driver()
    run.wait_for_steps(5)
    run.ipi.send_signal(signal.SIGKILL)
    assert driver.wait(30) == 1
    last = (run.folder / "driver.log").read_text().splitlines()[-1]
    assert "the server closed the connection without EXIT after" in last
    assert "energy − work" in last


def test_a_mismatch_stops_the_run_with_one_sentence(begin):
    run = begin("run", 100_000)
    driver = run.driver("driver.log", "--max-mismatch", "1e-9")
    assert driver.wait(60) == 2
    lines = (run.folder / "driver.log").read_text().splitlines()
    assert "stopped: energy and work differ by" in lines[-1]
    assert "more than --max-mismatch 1e-09" in lines[-1]


def test_a_force_that_is_too_uncertain_stops_the_run_with_one_sentence(begin):
    run = begin("run", 100_000, exit_on_disconnect=True)
    driver = run.driver("driver.log", "--max-uncertainty", "1e-6")
    assert driver.wait(60) == 2
    assert run.ipi.wait(30) == 0  # it does not wait for a driver that never comes
    assert "Restartable" in (run.folder / "ipi.log").read_text()
    last = (run.folder / "driver.log").read_text().splitlines()[-1]
    assert re.search(r"stopped: the force on atom [COH]\d is uncertain by \S+ eV/Å in evaluation 1, more than", last)
    assert last.endswith("--max-uncertainty 1e-06")


def test_atoms_that_come_too_close_stop_the_run(begin):
    run = begin("run", 100_000)
    driver = run.driver("driver.log", "--min-distance", "1.5")
    assert driver.wait(60) == 2
    assert "closer than --min-distance 1.5" in (run.folder / "driver.log").read_text().splitlines()[-1]


def test_atoms_in_another_order_are_refused_before_the_first_force(begin):
    order = [8, 7, 6, 5, 4, 3, 2, 1, 0]
    run = begin("run", 100)
    text = (run.folder / "input.xml").read_text()
    run.end()
    block = text[text.index("<q") : text.index("</q>")]
    rows = [line.strip(" ,") for line in block[block.index("[") + 1 : block.index("]")].strip().splitlines()]
    shuffled = text.replace(block[block.index("[") + 1 : block.index("]")], ",\n".join(rows[k] for k in order))
    (run.folder / "input.xml").write_text(shuffled)
    (run.folder / "socket").unlink(missing_ok=True)
    run.begin([IPI, "input.xml"], "again.log")
    driver = run.driver()
    assert driver.wait(60) == 2
    sentence = (run.folder / "driver.log").read_text().splitlines()[-1]
    assert "does not fit the model's atoms" in sentence
    assert "in the order 8 7 6" in sentence
    assert run.steps() == []


def test_a_stale_socket_file_is_one_sentence(model, tmp_path):
    import socket

    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(str(tmp_path / "ipi_stale"))
    code, line = finish(start("--model", model, "--unix", tmp_path / "ipi_stale", "--timeout", "0.3"))
    assert code == 2
    assert "no server at unix socket" in line
    assert "Connection refused" in line


def test_a_log_that_cannot_be_written_does_not_end_the_run(begin, tmp_path):
    run = begin("run", 50)
    command = [sys.executable, "-m", "rfp_md.driver", "--model", run.folder / "model.rfp", "--unix", run.address.path]
    with Path("/dev/full").open("wb") as full:
        driver = subprocess.Popen([str(part) for part in command], cwd=run.folder, stderr=full)
    run.processes.append(driver)
    assert driver.wait(60) == 0
    assert len(run.steps()) == 51


class Deaf:
    """A socket that has something to read, and takes whatever is written."""

    def __init__(self, data):
        self.data = [data]

    def recv(self, size):
        return self.data.pop()

    def sendall(self, message):
        pass

    def settimeout(self, seconds):
        pass

    def gettimeout(self):
        return None


WORDS = [header(word) for word in ("STATUS", "INIT", "POSDATA", "GETFORCE", "EXIT", "status", "")]


@given(st.lists(st.one_of(st.binary(max_size=60), st.sampled_from([*WORDS, init_message(" batch_size:2")]))))
def test_whatever_comes_is_a_protocol_error_at_worst(pieces):
    session = Session(Deaf(b"".join(pieces) or b"x"), SocketPayload(2))
    with contextlib.suppress(ProtocolError, UserError):
        session.receive()
    assert len(session._buffer) <= sum(map(len, pieces)) + 1
