"""Framing of the i-PI socket protocol: bytes in, messages out.

Every header is 12 ASCII bytes, padded with spaces. Integers are int32, reals float64, in host order.

    server → driver   STATUS                  answered by NEEDINIT, READY or HAVEDATA
                      INIT                    rid, n, n bytes of text
                      POSDATA                 cell (9), inverse cell (9), N, positions (3N)
                      GETFORCE                answered by FORCEREADY
                      EXIT
    driver → server   FORCEREADY              energy, N, forces (3N), virial (9), n, n bytes of text

Where the INIT text announces ``batch_size:B``, B structures travel at once (i-PI 3.3):

    server → driver   POSDATA                 N, B × (cell (9), inverse cell (9)), B × positions (3N)
    driver → server   FORCEREADY              B energies, N, B × forces (3N), B × virial (9), B × (n, n bytes)

Units on the wire are bohr, hartree and hartree/bohr. Cell vectors are the columns of the cell matrix.
By default i-PI 3.3 sends POSDATA and GETFORCE in one piece, so nothing that was read may be thrown away.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from rfp_md.arrays import Floats
from rfp_md.errors import UserError

HEADER_BYTES = 12
NEEDINIT, READY, HAVEDATA = (word.ljust(HEADER_BYTES).encode() for word in ("NEEDINIT", "READY", "HAVEDATA"))
FORCEREADY, EXIT = (word.ljust(HEADER_BYTES).encode() for word in ("FORCEREADY", "EXIT"))
LARGEST_TEXT = 1_000_000  # bytes; an INIT text is a few hundred
LARGEST_STRUCTURE = 10_000_000  # atoms
LARGEST_BATCH = 100_000  # structures
CELL_BYTES = 18 * 8  # a cell and its inverse


class ProtocolError(Exception):
    """The other side does not speak the i-PI protocol as we know it."""


@dataclass(frozen=True)
class Init:
    """What the server says about the run that comes.

    Attributes:
        parameters: the ``key : value`` pairs of the text, among them ``batch_size`` where the server batches.
    """

    parameters: dict[str, str]

    @property
    def batch_size(self) -> int:
        """The number of structures that travel at once. Raises ProtocolError for something that is no such number."""
        text = self.parameters.get("batch_size", "1")
        if not (text.isascii() and text.isdigit() and 1 <= int(text) <= LARGEST_BATCH):
            raise ProtocolError(f"the batch size {text!r}")
        return int(text)


@dataclass(frozen=True, eq=False)
class Structures:
    """Cell vectors as rows (B, 3, 3) and positions (B, N, 3), bohr."""

    cells: Floats
    positions: Floats


@dataclass(frozen=True, eq=False)
class Results:
    """Energies (B,), forces (B, N, 3) and virials (B, 3, 3), hartree and bohr, and a text for each of i-PI's extras."""

    energies: Floats
    forces: Floats
    virials: Floats
    extras: Sequence[str]


class Payload(Protocol):
    """How the numbers of an exchange travel."""

    def read(self, buffer: bytearray, batch: int) -> tuple[Structures, int] | None:
        """Read the structures after a POSDATA header, and how many bytes they took; None where some are still to come.

        Raises:
            ProtocolError: numbers that no server sends.
            UserError: another number of atoms than the model's, as soon as it is there.
        """

    def reply(self, results: Results) -> bytes:
        """Make the FORCEREADY message."""

    def close(self) -> None:
        """Let go of what the numbers travel through."""


class SocketPayload:
    """The numbers of an exchange in the message itself.

    Args:
        n_atoms: of the model.
    """

    def __init__(self, n_atoms: int) -> None:
        self._n_atoms = n_atoms

    def read(self, buffer: bytearray, batch: int) -> tuple[Structures, int] | None:
        """Read the structures from the message, as ``Payload.read`` says."""
        start = HEADER_BYTES
        if batch == 1:
            cells_at, count_at, positions_at = start, start + CELL_BYTES, start + CELL_BYTES + 4
        else:
            cells_at, count_at, positions_at = start + 4, start, start + 4 + batch * CELL_BYTES
        if len(buffer) < count_at + 4:
            return None
        n_atoms = atom_count(buffer, count_at, self._n_atoms)
        end = positions_at + 24 * n_atoms * batch
        if len(buffer) < end:
            return None
        cells = np.frombuffer(bytes(buffer[cells_at : cells_at + batch * CELL_BYTES])).reshape(batch, 2, 3, 3)[:, 0]
        positions = np.frombuffer(bytes(buffer[positions_at:end])).reshape(batch, n_atoms, 3)
        return Structures(cells.transpose(0, 2, 1), positions), end

    def reply(self, results: Results) -> bytes:
        """Make the FORCEREADY message, the numbers in it."""
        return b"".join(
            (
                FORCEREADY,
                results.energies.tobytes(),
                struct.pack("=i", results.forces.shape[1]),
                results.forces.tobytes(),
                results.virials.tobytes(),
                packed_texts(results.extras),
            )
        )

    def close(self) -> None:
        """Do nothing: there is only the message."""


def atom_count(buffer: bytearray, place: int, expected: int) -> int:
    """Read the number of atoms at a place; nobody waits for the positions of another number than the expected one.

    Raises:
        ProtocolError: one that cannot be.
        UserError: another one.
    """
    (n_atoms,) = struct.unpack_from("=i", buffer, place)
    if not 0 < n_atoms <= LARGEST_STRUCTURE:
        raise ProtocolError(f"a structure of {n_atoms} atoms for a model of {expected}")
    check_atoms(n_atoms, expected)
    return int(n_atoms)


def check_atoms(found: int, expected: int) -> None:
    """Raise UserError where the server has another number of atoms than the model."""
    if found != expected:
        raise UserError(
            f"the server sends {found} atoms, but the model has {expected}; "
            "check the file in <initialize> of the i-PI input"
        )


def packed_texts(texts: Sequence[str]) -> bytes:
    """Pack each text with its length before it."""
    return b"".join(struct.pack("=i", len(text)) + text for text in (text.encode() for text in texts))


def read_header(buffer: bytearray) -> str | None:
    """Read the header that the buffer begins with; None where it is not complete."""
    if len(buffer) < HEADER_BYTES:
        return None
    return buffer[:HEADER_BYTES].decode("ascii", errors="replace").rstrip()


def read_init(buffer: bytearray) -> tuple[Init, int] | None:
    """Read the INIT message that the buffer begins with, and how many bytes it took; None where some are to come."""
    if len(buffer) < HEADER_BYTES + 8:
        return None
    _, length = struct.unpack_from("=ii", buffer, HEADER_BYTES)
    if not 0 <= length <= LARGEST_TEXT:
        raise ProtocolError(f"an INIT text of {length} bytes")
    end = HEADER_BYTES + 8 + length
    if len(buffer) < end:
        return None
    pairs = (item.partition(":") for item in buffer[HEADER_BYTES + 8 : end].decode(errors="replace").split(","))
    return Init({key.strip(): value.strip() for key, colon, value in pairs if colon}), end
