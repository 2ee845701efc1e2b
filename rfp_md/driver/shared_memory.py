"""i-PI's ``mode="shm"``: the numbers lie in shared memory, the socket only says when.

server → driver   POSDATA       N, and the first time 6 × (n, n bytes), the names of the segments pos, h, ih, pot,
                                force and vir: float64, (B, …) each
driver → server   FORCEREADY    B × (n, n bytes of text), after pot, force and vir are written
"""

from __future__ import annotations

import struct
from multiprocessing import resource_tracker, shared_memory

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


class SharedMemoryPayload:
    """The numbers of an exchange in the server's segments: attached with the first structures, never removed here.

    Args:
        n_atoms: of the model.
    """

    def __init__(self, n_atoms: int) -> None:
        self._n_atoms = n_atoms
        self._segments: list[shared_memory.SharedMemory] = []
        self._arrays: dict[str, Floats] = {}

    def read(self, buffer: bytearray, batch: int) -> tuple[Structures, int] | None:
        """Copy the structures out of the segments, as ``Payload.read`` says; the first message names these."""
        end = HEADER_BYTES + 4
        if len(buffer) < end:
            return None
        n_atoms = atom_count(buffer, HEADER_BYTES, self._n_atoms)
        if not self._arrays:
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
            self._attach(names, batch, n_atoms)
        if (size := len(self._arrays["pos"])) != batch:
            raise ProtocolError(f"a batch of {batch} structures through shared memory for {size}")
        # Copies: the server may write the next structures before we are done with these.
        return Structures(self._arrays["h"].transpose(0, 2, 1).copy(), self._arrays["pos"].copy()), end

    def reply(self, results: Results) -> bytes:
        """Write the results into the segments, and make the FORCEREADY message with the extras."""
        self._arrays["pot"][:] = results.energies
        self._arrays["force"][:] = results.forces
        self._arrays["vir"][:] = results.virials
        return FORCEREADY + packed_texts(results.extras)

    def close(self) -> None:
        """Let go of the segments."""
        self._arrays.clear()
        for segment in self._segments:
            segment.close()
        self._segments.clear()

    def _attach(self, names: list[str], batch: int, n_atoms: int) -> None:
        shapes = {
            "pos": (batch, n_atoms, 3),
            "h": (batch, 3, 3),
            "ih": (batch, 3, 3),
            "pot": (batch,),
            "force": (batch, n_atoms, 3),
            "vir": (batch, 3, 3),
        }
        for kind, name in zip(KINDS, names, strict=True):
            try:
                segment = shared_memory.SharedMemory(name=name)
            except (OSError, ValueError) as error:
                raise ProtocolError(f"shared memory '{name}', which is not there") from error
            # Python before 3.13 would remove the server's segment when this process ends.
            resource_tracker.unregister(f"/{segment.name.lstrip('/')}", "shared_memory")
            self._segments.append(segment)
            if segment.size < 8 * int(np.prod(shapes[kind])):
                raise ProtocolError(f"shared memory '{name}' of {segment.size} bytes, too few for its structures")
            self._arrays[kind] = np.ndarray(shapes[kind], dtype=np.float64, buffer=segment.buf)
