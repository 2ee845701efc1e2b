"""One connection to a server, from the first STATUS to EXIT: what to answer to what."""

from __future__ import annotations

import contextlib
import socket

from rfp_md.driver.protocol import (
    EXIT,
    HAVEDATA,
    HEADER_BYTES,
    NEEDINIT,
    READY,
    Payload,
    ProtocolError,
    Results,
    Structures,
    read_header,
    read_init,
)

LEFT_OVER = 16_777_216  # bytes that are read after the end, at most
PIECE = 65536  # bytes asked for at once; the messages of a small molecule fit into one


class ConnectionClosedError(Exception):
    """The other side closed the connection."""


class Session:
    """One connection: bytes are fed in as they come; structures come out, and results go back.

    Both message orders of i-PI work: POSDATA with GETFORCE at its heels, and POSDATA, STATUS, GETFORCE.

    Args:
        sock: connected; its timeout is how long a server may be silent that never spoke, or that is in the middle of
            a message.
        payload: how the numbers travel.

    Attributes:
        structures: what waits to be evaluated, or None.
        greeted: whether a first STATUS was answered.
        finished: whether the server said EXIT.
        patience: how long the server may be silent now, s; None: as long as it likes.
        waited: for how long it was, s; counted by whoever waits for several sessions.
    """

    def __init__(self, sock: socket.socket, payload: Payload) -> None:
        self.socket = sock
        self.structures: Structures | None = None
        self.greeted = self.finished = False
        self.patience = self._longest_silence = sock.gettimeout()
        self.waited = 0.0
        self._payload = payload
        self._buffer = bytearray()
        self._batch: int | None = None  # None: not initialised
        self._reply: bytes | None = None

    def receive(self) -> None:
        """Take what the socket has, or wait for something, and answer as far as it goes.

        Raises:
            TimeoutError: the server was silent for longer than its patience, or reads nothing; what it says is a
                predicate.
            ConnectionClosedError: the server went away without EXIT.
            ProtocolError: a message that does not belong here.
            UserError: another number of atoms than the model's.
        """
        try:
            piece = self.socket.recv(PIECE)
        except TimeoutError as error:
            raise self.silence() from error
        except OSError as error:
            self._closed(error)
            return
        if not piece:
            self._closed()
            return
        self.waited = 0.0
        self._buffer += piece
        self._go_on()

    def silence(self) -> TimeoutError:
        """Make the error for a server that was silent for too long."""
        if self._buffer:
            return TimeoutError(f"stopped in the middle of a message and said nothing more in {self.patience:g} s")
        return TimeoutError(f"said nothing in {self.patience:g} s")

    def answer(self, results: Results) -> None:
        """Take the results for ``structures``; they are sent when the server asks for them.

        Raises:
            ConnectionClosedError: the server went away without EXIT.
            ProtocolError, UserError: as ``receive``, for what came meanwhile.
        """
        self._reply = self._payload.reply(results)
        self.structures = None
        self._go_on()

    def close(self) -> None:
        """Close the connection, after what has come is read: i-PI's polling does not survive the reset it would get."""
        self._drain()
        self.socket.close()
        self._payload.close()

    def _go_on(self) -> None:
        """Handle the complete messages of the buffer, up to one with structures."""
        while self.structures is None and not self.finished and (header := read_header(self._buffer)) is not None:
            taken = self._handle(header)
            if taken is None:
                break
            del self._buffer[:taken]
        # The next message of a server that speaks can be hours away, the rest of a message cannot.
        inside = bool(self._buffer) and self.structures is None
        patience = self._longest_silence if inside else None
        if patience != self.patience:
            self.patience = patience
            self.socket.settimeout(patience)

    def _handle(self, header: str) -> int | None:
        """Answer one message; how many bytes it took, None where it is not complete."""
        if header == "STATUS":
            self._send(HAVEDATA if self._reply is not None else READY if self._batch is not None else NEEDINIT)
            self.greeted = True
        elif header == "POSDATA":
            found = self._payload.read(self._buffer, self._batch or 1)
            if found is None:
                return None
            self.structures, taken = found
            return taken
        elif header == "GETFORCE":
            if self._reply is None:
                raise ProtocolError("GETFORCE before POSDATA")
            self._send(self._reply)
            self._reply = None
        elif header == "INIT":
            announced = read_init(self._buffer)
            if announced is None:
                return None
            self._batch = announced[0].batch_size
            return announced[1]
        elif header == "EXIT":
            self.finished = True
        else:
            raise ProtocolError(f"the header {header!r}")
        return HEADER_BYTES

    def _send(self, message: bytes) -> None:
        """Send a message, which a server that asked for it reads at once."""
        try:
            if self.patience is None:
                self.socket.settimeout(self._longest_silence)
            self.socket.sendall(message)
            if self.patience is None:
                self.socket.settimeout(None)
        except TimeoutError as error:
            raise TimeoutError(f"did not read what it asked for in {self._longest_silence:g} s") from error
        except OSError as error:
            self._closed(error)

    def _closed(self, error: OSError | None = None) -> None:
        """Nobody is there any more: a good end where the last word was EXIT, read or not."""
        if not (self._buffer[-HEADER_BYTES:] + self._drain()).endswith(EXIT):
            raise ConnectionClosedError from error
        self.finished = True

    def _drain(self) -> bytes:
        """Read what has come, and give the end of it."""
        end, most = b"", LEFT_OVER
        with contextlib.suppress(OSError):
            self.socket.setblocking(False)
            while most > 0 and (piece := self.socket.recv(PIECE)):
                end = (end + piece)[-HEADER_BYTES:]
                most -= len(piece)
        return end
