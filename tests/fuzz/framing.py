"""The driver's framing: conversations with a server, damaged and in arbitrary pieces.

They go into a session that answers every structure at once. Anything but a protocol error is a finding, and so is a
buffer that holds more than was sent.
"""

from __future__ import annotations

import contextlib
from random import Random

import numpy as np

from rfp_md.driver.protocol import ProtocolError, Results, SocketPayload
from rfp_md.driver.session import ConnectionClosedError, Session
from rfp_md.driver.shared_memory import SharedMemoryPayload
from rfp_md.errors import UserError
from tests.driver.server import batch_message, header, init_message, shared_message, structure_message

ATOMS = 2
LARGEST = 1_000_000  # numbers of a structure that is answered; larger ones are left unanswered


class Pieces:
    """A socket with these pieces to read."""

    def __init__(self, pieces: list[bytes]) -> None:
        self.pieces = pieces

    def recv(self, size: int) -> bytes:
        return self.pieces.pop(0) if self.pieces else b""

    def sendall(self, message: bytes) -> None:
        pass

    def settimeout(self, seconds: float | None) -> None:
        pass

    def setblocking(self, blocking: bool) -> None:
        pass

    def gettimeout(self) -> float | None:
        return None


def conversations() -> list[bytes]:
    """What real servers say."""
    positions, cell = np.zeros((2, 3)), np.eye(3)
    start = header("STATUS") + init_message() + header("STATUS")
    batch = header("STATUS") + init_message(" batch_size:2")
    return [
        start + structure_message(positions, cell) + header("GETFORCE") + header("EXIT"),
        batch + batch_message(np.zeros((2, 2, 3)), cell) + header("GETFORCE") + header("STATUS"),
        start + shared_message(2, ["a", "b", "c", "d", "e", "f"]) + header("GETFORCE"),
    ]


def converse(random: Random) -> str | None:
    """Hold one damaged conversation, and say what is wrong with how it ended."""
    said = bytearray(random.choice(conversations()))
    for _ in range(random.randint(0, 6)):
        place = random.randrange(len(said))
        way = random.randrange(4)
        if way == 0:
            said[place] = random.choice([0, 1, 32, 65, 127, 128, 255, random.randrange(256)])
        elif way == 1:
            del said[place : place + random.choice([1, 2, 3, 4, 8, 12, 100])]
        elif way == 2:
            said[place:place] = random.randbytes(random.choice([1, 2, 4, 12, 100]))
        else:
            said[place : place + 4] = random.choice([0, 1, -1, 2**31 - 1, -(2**31), 10**6]).to_bytes(
                4, "little", signed=True
            )
        if not said:
            return None
    pieces, place = [], 0
    while place < len(said):
        size = random.choice([1, 3, 12, 13, 100, 400])
        pieces.append(bytes(said[place : place + size]))
        place += size
    session = Session(Pieces(pieces), (SharedMemoryPayload if random.random() < 0.5 else SocketPayload)(ATOMS))
    with contextlib.suppress(ProtocolError, ConnectionClosedError, UserError):
        while not session.finished:
            session.receive()
            while session.structures is not None and session.structures.positions.size < LARGEST:
                batch, atoms, _ = session.structures.positions.shape
                zeros = np.zeros((batch, 3, 3))
                session.answer(Results(zeros[:, 0, 0], np.zeros((batch, atoms, 3)), zeros, [""] * batch))
    if len(session._buffer) > len(said):
        return f"{len(session._buffer)} bytes are held of {len(said)} that were sent"
    return None
