"""The server's half of the i-PI protocol, for tests."""

from __future__ import annotations

import struct

import numpy as np


def header(word: str) -> bytes:
    return word.ljust(12).encode()


def init_message(text: str = " ", request: int = 0) -> bytes:
    return header("INIT") + struct.pack("=ii", request, len(text)) + text.encode()


def structure_message(positions: np.ndarray, cell: np.ndarray) -> bytes:
    """POSDATA of positions (N, 3) and cell rows (3, 3), bohr; on the wire the cell vectors are columns."""
    inverse = np.linalg.inv(cell.T)
    return (
        header("POSDATA")
        + np.ascontiguousarray(cell.T).tobytes()
        + inverse.tobytes()
        + struct.pack("=i", len(positions))
        + np.ascontiguousarray(positions).tobytes()
    )


def receive(sock, size: int) -> bytes:
    received = b""
    while len(received) < size:
        piece = sock.recv(size - len(received))
        if not piece:
            raise ConnectionError("the driver closed the connection")
        received += piece
    return received


def receive_forces(sock) -> tuple[float, np.ndarray, np.ndarray, str]:
    """FORCEREADY: hartree, hartree/bohr (N, 3), hartree (3, 3), text."""
    assert receive(sock, 12) == header("FORCEREADY")
    energy, atoms = struct.unpack("=di", receive(sock, 12))
    forces = np.frombuffer(receive(sock, 24 * atoms)).reshape(-1, 3)
    virial = np.frombuffer(receive(sock, 72)).reshape(3, 3)
    (length,) = struct.unpack("=i", receive(sock, 4))
    return energy, forces, virial, receive(sock, length).decode()


def batch_message(positions: np.ndarray, cell: np.ndarray) -> bytes:
    """POSDATA of several structures (B, N, 3) in one cell, bohr."""
    cells = (np.ascontiguousarray(cell.T).tobytes() + np.linalg.inv(cell.T).tobytes()) * len(positions)
    return header("POSDATA") + struct.pack("=i", positions.shape[1]) + cells + positions.tobytes()


def shared_message(n_atoms: int, names: list[str]) -> bytes:
    """POSDATA of mode="shm": the number of atoms and, the first time, the names of the segments."""
    texts = (name.encode() for name in names)
    return header("POSDATA") + struct.pack("=i", n_atoms) + b"".join(struct.pack("=i", len(t)) + t for t in texts)


def receive_batch(sock, batch: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[str]]:
    """FORCEREADY of several structures."""
    assert receive(sock, 12) == header("FORCEREADY")
    energies = np.frombuffer(receive(sock, 8 * batch))
    (atoms,) = struct.unpack("=i", receive(sock, 4))
    forces = np.frombuffer(receive(sock, 24 * atoms * batch)).reshape(batch, atoms, 3)
    virials = np.frombuffer(receive(sock, 72 * batch)).reshape(batch, 3, 3)
    extras = []
    for _ in range(batch):
        (length,) = struct.unpack("=i", receive(sock, 4))
        extras.append(receive(sock, length).decode())
    return energies, forces, virials, extras
