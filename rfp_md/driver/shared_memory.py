"""i-PI's ``mode="shm"``: the numbers lie in shared memory, the socket only says when.

server → driver   POSDATA       N, and the first time 6 × (n, n bytes), the names of the segments pos, h, ih, pot,
                                force and vir: float64, (B, …) each
driver → server   FORCEREADY    B × (n, n bytes of text), after pot, force and vir are written

Segments are files of ``/dev/shm``, and are read and written as such: one that its server truncates meanwhile is an
error then. To touch a mapping of it would end the process (SIGBUS).
"""

from __future__ import annotations

import os
import stat
import struct

import numpy as np

from rfp_md.arrays import Floats
from rfp_md.driver.protocol import (
    FORCEREADY,
    HEADER_BYTES,
    LARGEST_TEXT,
    ProtocolError,
    Results,
    Structures,
    atom_count,
    packed_texts,
)

KINDS = ("pos", "h", "ih", "pot", "force", "vir")
FOLDER = "/dev/shm"


class Segment:
    """One array of float64 in the server's shared memory.

    Raises:
        ProtocolError: no such segment, or one that is too small.
    """

    def __init__(self, name: str, shape: tuple[int, ...]) -> None:
        self.shape, self._name, self._bytes = shape, name, 8 * int(np.prod(shape))
        try:
            if "/" in name.lstrip("/"):
                raise ValueError("a name with a slash")
            self._file = os.open(f"{FOLDER}/{name.lstrip('/')}", os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        except (OSError, ValueError) as error:  # of which a name with a zero byte is one
            raise ProtocolError(f"shared memory {name[:80]!r}, which is not there") from error
        try:
            self._check_size()
        except ProtocolError:
            self.close()
            raise

    def read(self) -> Floats:
        """Copy the array out. Raises ProtocolError where the server has taken it away."""
        data = os.pread(self._file, self._bytes, 0)
        if len(data) < self._bytes:
            raise self._too_small(len(data))
        return np.frombuffer(data).reshape(self.shape)

    def write(self, values: Floats) -> None:
        """Copy values into the array. Raises ProtocolError where the server has taken it away."""
        self._check_size()
        os.pwrite(self._file, values.tobytes(), 0)

    def close(self) -> None:
        """Let go of it; the server removes it."""
        os.close(self._file)

    def _check_size(self) -> None:
        found = os.fstat(self._file)
        if not stat.S_ISREG(found.st_mode) or found.st_size < self._bytes:
            raise self._too_small(found.st_size)

    def _too_small(self, size: int) -> ProtocolError:
        return ProtocolError(f"shared memory {self._name[:80]!r} of {size} bytes, too few for its structures")


class SharedMemoryPayload:
    """The numbers of an exchange in the server's segments: opened with the first structures, never removed here.

    Args:
        n_atoms: of the model.
    """

    def __init__(self, n_atoms: int) -> None:
        self._n_atoms = n_atoms
        self._segments: dict[str, Segment] = {}

    def read(self, buffer: bytearray, batch: int) -> tuple[Structures, int] | None:
        """Copy the structures out of the segments, as ``Payload.read`` says; the first message names these."""
        end = HEADER_BYTES + 4
        if len(buffer) < end:
            return None
        n_atoms = atom_count(buffer, HEADER_BYTES, self._n_atoms)
        if not self._segments:
            names = []
            for _ in KINDS:
                if len(buffer) < end + 4:
                    return None
                (length,) = struct.unpack_from("=i", buffer, end)
                if not 0 < length <= LARGEST_TEXT:
                    raise ProtocolError(f'a name of {length} bytes for shared memory; is it mode="shm" in i-PI?')
                if len(buffer) < end + 4 + length:
                    return None
                names.append(buffer[end + 4 : end + 4 + length].decode(errors="replace"))
                end += 4 + length
            self._open(names, batch, n_atoms)
        if (size := self._segments["pot"].shape[0]) != batch:
            raise ProtocolError(f"a batch of {batch} structures through shared memory for {size}")
        return Structures(self._segments["h"].read().transpose(0, 2, 1), self._segments["pos"].read()), end

    def reply(self, results: Results) -> bytes:
        """Write the results into the segments, and make the FORCEREADY message with the extras."""
        self._segments["pot"].write(results.energies)
        self._segments["force"].write(results.forces)
        self._segments["vir"].write(results.virials)
        return FORCEREADY + packed_texts(results.extras)

    def close(self) -> None:
        """Let go of the segments."""
        for segment in self._segments.values():
            segment.close()
        self._segments.clear()

    def _open(self, names: list[str], batch: int, n_atoms: int) -> None:
        shapes = {
            "pos": (batch, n_atoms, 3),
            "h": (batch, 3, 3),
            "ih": (batch, 3, 3),
            "pot": (batch,),
            "force": (batch, n_atoms, 3),
            "vir": (batch, 3, 3),
        }
        for kind, name in zip(KINDS, names, strict=True):
            self._segments[kind] = Segment(name, shapes[kind])
