"""Two million steps of a run through a real socket: neither memory nor open files may grow."""

import socket
from pathlib import Path

import numpy as np
import pytest

from rfp_md.driver.evaluator import Evaluator
from rfp_md.driver.monitor import Monitor
from rfp_md.driver.protocol import SocketPayload
from rfp_md.driver.service import serve
from rfp_md.driver.session import Session
from rfp_md.frames import Frames
from rfp_md.prediction import Prediction
from tests.driver.server import header, init_message, structure_message

ATOMS = 9
TEMPLATE = Frames(np.full(ATOMS, 6), 3 * np.random.default_rng(0).normal(size=(1, ATOMS, 3)))
ZEROS = np.zeros((1, 3, 3))
NOTHING = Prediction(ZEROS[:, 0, 0], np.zeros((1, ATOMS, 3)), ZEROS)
STATUS = header("STATUS")
QUESTION = structure_message(TEMPLATE.positions[0], 100 * np.eye(3)) + header("GETFORCE")


class TakingTurns:
    """The driver's end of a socket pair; whenever the driver waits, the server reads the answer and asks on.

    One thread does both, so that nobody waits for the scheduler.
    """

    def __init__(self, exchanges):
        self.client, self.server = socket.socketpair()
        self.questions = iter(self.conversation(exchanges))

    @staticmethod
    def conversation(exchanges):
        yield STATUS + init_message()
        for _ in range(exchanges):
            yield QUESTION
            yield STATUS
        yield header("EXIT")

    def __getattr__(self, name):
        return getattr(self.client, name)

    def recv(self, size):
        if (question := next(self.questions, None)) is not None:
            self.server.sendall(question)
        return self.client.recv(size)

    def sendall(self, message):
        self.client.sendall(message)
        assert len(self.server.recv(65536)) == len(message)

    def close(self):
        self.client.close()
        self.server.close()


def run(exchanges):
    monitor = Monitor(ATOMS, lambda text: None, min_distance=0.0)
    evaluator = Evaluator(TEMPLATE, lambda frames: NOTHING)
    serve(lambda number: Session(TakingTurns(exchanges), SocketPayload(ATOMS)), evaluator, monitor, print)
    assert monitor.evaluations == exchanges


def used():
    """Resident memory, kB, and open files."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return 4 * pages, len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize("exchanges", [2000, pytest.param(2_000_000, marks=pytest.mark.slow)])
def test_many_exchanges_leave_memory_and_files_as_they_are(exchanges):
    run(1000)  # everything is imported, compiled and allocated once
    before = used()
    run(exchanges)
    after = used()
    assert after[1] == before[1]
    assert after[0] - before[0] < 3000  # kB; one byte kept of each exchange would be 2 MB
