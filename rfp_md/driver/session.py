"""One connection to a server, from the first STATUS to EXIT: what to answer to what."""

from __future__ import annotations

import contextlib
import socket

from rfp_md.driver.protocol import (
    HAVEDATA,
    HEADER_BYTES,
    NEEDINIT,
    READY,
    Payload,
    ProtocolError,
    Results,
    SocketPayload,
    Structures,
    read_header,
    read_init,
)

PIECE = 65536  # bytes asked for at once; the messages of a small molecule fit into one


class ConnectionClosedError(Exception):
    """The other side closed the connection."""


class Session:
    """Bytes are fed in as they come; structures come out, and results go back.

    Both message orders of i-PI work: POSDATA with GETFORCE at its heels, and POSDATA, STATUS, GETFORCE.

    Attributes:
        structures: what waits to be evaluated, or None.
        greeted: whether a first STATUS was answered.
        finished: whether the server said EXIT.
        heard: whether the server ever said anything.
    """

    def __init__(self, sock: socket.socket, payload: Payload | None = None) -> None:
        self.socket = sock
        self.structures: Structures | None = None
        self.greeted = self.finished = self.heard = False
        self._payload = payload or SocketPayload()
        self._buffer = bytearray()
        self._batch: int | None = None  # None: not initialised
        self._reply: bytes | None = None

    def receive(self) -> None:
        """Take what the socket has, or wait for something, and answer as far as it goes.

        Raises:
            TimeoutError: nothing came in the time that the socket has.
            ConnectionClosedError: the server went away without EXIT.
            ProtocolError: a message that does not belong here.
        """
        try:
            piece = self.socket.recv(PIECE)
        except TimeoutError:
            raise
        except OSError as error:
            raise ConnectionClosedError from error
        if not piece:
            raise ConnectionClosedError
        if not self.heard:
            # A server that speaks may take its time from now on: its next step can be hours away.
            self.socket.settimeout(None)
            self.heard = True
        self._buffer += piece
        self._go_on()

    def answer(self, results: Results) -> None:
        """Take the results for ``structures``; they are sent when the server asks for them."""
        self._reply = self._payload.reply(results)
        self.structures = None
        self._go_on()

    def close(self) -> None:
        """Close the connection, after what has come is read: i-PI's polling does not survive the reset it would get."""
        with contextlib.suppress(OSError):
            self.socket.setblocking(False)
            while self.socket.recv(PIECE):
                pass
        self.socket.close()
        self._payload.close()

    def _go_on(self) -> None:
        """Handle the complete messages of the buffer, up to one with structures."""
        while self.structures is None and not self.finished and (header := read_header(self._buffer)) is not None:
            taken = self._handle(header)
            if taken is None:
                return
            del self._buffer[:taken]

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
                raise ProtocolError("GETFORCE came before POSDATA")
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
        try:
            self.socket.sendall(message)
        except OSError as error:
            raise ConnectionClosedError from error
