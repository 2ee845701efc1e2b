"""Framing of the i-PI socket protocol: bytes in, messages out.

Every header is 12 ASCII bytes, padded with spaces. Integers are int32, reals float64, in host order.

    server → driver   STATUS                  answered by NEEDINIT, READY or HAVEDATA
                      INIT                    rid, n, n bytes of text
                      POSDATA                 cell (9), inverse cell (9), N, positions (3N)
                      GETFORCE                answered by FORCEREADY
                      EXIT
    driver → server   FORCEREADY              energy, N, forces (3N), virial (9), n, n bytes of text

Units on the wire are bohr, hartree and hartree/bohr. Cell vectors are the columns of the cell matrix.
By default i-PI 3.3 sends POSDATA and GETFORCE in one piece, so nothing that was read may be thrown away.
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass

import numpy as np

from rfp_md.frames import Floats

HEADER_BYTES = 12
NEEDINIT, READY, HAVEDATA = (word.ljust(HEADER_BYTES).encode() for word in ("NEEDINIT", "READY", "HAVEDATA"))
FORCEREADY = b"FORCEREADY".ljust(HEADER_BYTES)
PIECE = 4096  # bytes asked for at once; the messages of a small molecule fit into one
LARGEST_TEXT = 1_000_000  # bytes; an INIT text is a few hundred
LARGEST_STRUCTURE = 10_000_000  # atoms


class ProtocolError(Exception):
    """The other side does not speak the i-PI protocol as we know it."""


class ConnectionClosedError(Exception):
    """The other side closed the connection."""


@dataclass(frozen=True)
class Init:
    """What the server says about the run that comes.

    Attributes:
        parameters: the ``key : value`` pairs of the text, among them ``batch_size`` where the server batches.
    """

    parameters: dict[str, str]


@dataclass(frozen=True, eq=False)
class Structure:
    """Cell vectors as rows (3, 3) and positions (N, 3), bohr."""

    cell: Floats
    positions: Floats


class Connection:
    """Exact reads from a buffer, so that one ``recv`` may bring half a message or several."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._buffer = bytearray()

    def wait_for_first_byte(self) -> None:
        """Read something, however little; raises TimeoutError when the socket's time is over."""
        self._fill(1)

    def read_header(self) -> str:
        return self._read(HEADER_BYTES).decode("ascii", errors="replace").rstrip()

    def read_init(self) -> Init:
        _, length = struct.unpack("=ii", self._read(8))
        if not 0 <= length <= LARGEST_TEXT:
            raise ProtocolError(f"an INIT text of {length} bytes")
        text = self._read(length).decode(errors="replace")
        pairs = (item.partition(":") for item in text.split(","))
        return Init({key.strip(): value.strip() for key, colon, value in pairs if colon})

    def read_structure(self) -> Structure:
        head = self._read(18 * 8 + 4)
        cell = np.frombuffer(head, dtype=np.float64, count=9).reshape(3, 3)
        (atoms,) = struct.unpack_from("=i", head, 18 * 8)
        if not 0 < atoms <= LARGEST_STRUCTURE:
            raise ProtocolError(f"a structure of {atoms} atoms")
        positions = np.frombuffer(self._read(24 * atoms), dtype=np.float64).reshape(atoms, 3)
        return Structure(cell.T, positions)

    def send(self, message: bytes) -> None:
        try:
            self._socket.sendall(message)
        except OSError as error:
            raise ConnectionClosedError from error

    def _read(self, size: int) -> bytes:
        self._fill(size)
        message = bytes(self._buffer[:size])
        del self._buffer[:size]
        return message

    def _fill(self, size: int) -> None:
        while len(self._buffer) < size:
            try:
                piece = self._socket.recv(max(PIECE, size - len(self._buffer)))
            except TimeoutError:
                raise
            except OSError as error:
                raise ConnectionClosedError from error
            if not piece:
                raise ConnectionClosedError
            self._buffer += piece


def force_reply(energy: float, forces: Floats, virial: Floats, extra: str = "") -> bytes:
    """The FORCEREADY message: hartree, hartree/bohr (N, 3), hartree (3, 3), and a text for i-PI's extras."""
    text = extra.encode()
    return b"".join(
        (
            FORCEREADY,
            struct.pack("=di", energy, len(forces)),
            np.ascontiguousarray(forces).tobytes(),
            np.ascontiguousarray(virial).tobytes(),
            struct.pack("=i", len(text)),
            text,
        )
    )
