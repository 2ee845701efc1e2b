"""Coverage-guided fuzzing of the driver's framing, for a bounded time.

    pip install atheris; python -m tests.benchmarks.fuzz_driver [-max_total_time=60]

Bytes in arbitrary pieces go into a session that answers every structure at once. Anything but a protocol error is
a finding, and so is a buffer that holds more than was sent. Arguments are libFuzzer's.
"""

from __future__ import annotations

import contextlib
import sys

import atheris

with atheris.instrument_imports(include=["rfp_md.driver"]):
    from rfp_md.driver.protocol import ProtocolError, Results, SocketPayload
    from rfp_md.driver.session import ConnectionClosedError, Session
    from rfp_md.driver.shared_memory import SharedMemoryPayload
    from rfp_md.errors import UserError

import numpy as np

from tests.driver.server import batch_message, header, init_message, shared_message, structure_message

SECONDS = 60
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


def one(data: bytes) -> None:
    provider = atheris.FuzzedDataProvider(data)
    payload = (SharedMemoryPayload if provider.ConsumeBool() else SocketPayload)(ATOMS)
    sent, pieces = 0, []
    while provider.remaining_bytes() and len(pieces) < 20:
        pieces.append(provider.ConsumeBytes(provider.ConsumeIntInRange(1, 400)))
        sent += len(pieces[-1])
    session = Session(Pieces(pieces), payload)
    with contextlib.suppress(ProtocolError, ConnectionClosedError, UserError):
        while not session.finished:
            session.receive()
            while session.structures is not None and session.structures.positions.size < LARGEST:
                batch, atoms, _ = session.structures.positions.shape
                zeros = np.zeros((batch, 3, 3))
                session.answer(Results(zeros[:, 0, 0], np.zeros((batch, atoms, 3)), zeros, [""] * batch))
    if len(session._buffer) > sent:
        raise AssertionError(f"{len(session._buffer)} bytes are held of {sent} that were sent")


def seeds() -> list[bytes]:
    """Real conversations, so that the fuzzer need not find the headers by itself."""
    positions, cell = np.zeros((2, 3)), np.eye(3)
    start = header("STATUS") + init_message() + header("STATUS")
    batch = header("STATUS") + init_message(" batch_size:2")
    return [
        start + structure_message(positions, cell) + header("GETFORCE") + header("EXIT"),
        batch + batch_message(np.zeros((2, 2, 3)), cell) + header("GETFORCE") + header("STATUS"),
        start + shared_message(2, ["a", "b", "c", "d", "e", "f"]) + header("GETFORCE"),
    ]


def main() -> None:
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as corpus:
        for k, seed in enumerate(seeds()):
            for flag in (b"\0", b"\1"):
                (Path(corpus) / f"{k}{flag[0]}").write_bytes(flag + seed)
        options = sys.argv[1:] or [f"-max_total_time={SECONDS}"]
        atheris.Setup([sys.argv[0], "-rss_limit_mb=1000", *options, corpus], one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
