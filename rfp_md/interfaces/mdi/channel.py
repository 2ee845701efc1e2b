"""The connection of the MDI library to its driver, without the library's delays.

The library leaves Nagle's algorithm and delayed acknowledgements on, which wait for each other: 90 ms for each
command. An end that acknowledges at once frees both; the kernel forgets that it should, and is told again at every
command. The library does not say which socket is its own, so it is looked up among the open files (Linux only).
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from rfp_md.arrays import Floats, Ints
from rfp_md.errors import UserError


class Channel:
    """Messages between the MDI library's engine in this process and its driver.

    Args:
        mdi: the library's module, connected.
        host, port: of the driver.
    """

    def __init__(self, mdi: Any, host: str, port: int) -> None:
        self._mdi, self._communicator = mdi, mdi.MDI_Accept_Communicator()
        self._sock = find_socket(host, port)
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Channel:
        return self

    def __exit__(self, *error: object) -> None:
        self._sock.close()

    def command(self) -> str:
        """Wait for the driver's next command.

        Raises:
            ConnectionError: the driver went away.
        """
        self._acknowledge_at_once()
        # Waiting is done here: inside the library, no signal would end it.
        if not self._sock.recv(1, socket.MSG_PEEK):
            raise ConnectionError("the MDI driver closed the connection without EXIT")
        name: str = self._call(self._mdi.MDI_Recv_Command)
        self._acknowledge_at_once()
        return name

    def receive(self, count: int) -> Floats:
        """Receive so many real numbers, (count,). Raises ConnectionError where the driver went away, as all here."""
        values = np.empty(count)
        self._call(self._mdi.MDI_Recv, count, self._mdi.MDI_DOUBLE, buf=values)
        return values

    def receive_integers(self, count: int) -> Ints:
        """Receive so many integers, (count,)."""
        values = np.empty(count, dtype=np.int32)
        self._call(self._mdi.MDI_Recv, count, self._mdi.MDI_INT, buf=values)
        return values.astype(np.int64)

    def send(self, values: Floats | float) -> None:
        """Send real numbers, flattened."""
        flat = np.ravel(values)
        self._call(self._mdi.MDI_Send, flat, flat.size, self._mdi.MDI_DOUBLE)

    def send_integers(self, values: Ints | int) -> None:
        """Send integers, flattened."""
        flat = np.ravel(values)
        self._call(self._mdi.MDI_Send, flat, flat.size, self._mdi.MDI_INT)

    def send_text(self, text: str) -> None:
        """Send a text, padded to the standard's length of a name."""
        length = self._mdi.MDI_NAME_LENGTH
        self._call(self._mdi.MDI_Send, text.ljust(length, "\0"), length, self._mdi.MDI_CHAR)

    def _call(self, function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """A function of the library, which raises nothing but Exception."""
        try:
            return function(*arguments, self._communicator, **options)
        except Exception as error:
            raise ConnectionError(f"the MDI driver closed the connection without EXIT ({error})") from error

    def _acknowledge_at_once(self) -> None:
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


def find_socket(host: str, port: int) -> socket.socket:
    """Get a second handle of this process's connection to an address. Raises UserError where there is none."""
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):  # closed since
            sock = socket.fromfd(int(entry.name), socket.AF_INET, socket.SOCK_STREAM)
            if _peer(sock) == (host, port):
                return sock
            sock.close()
    raise UserError(f"the MDI library has no connection to {host}:{port}")


def _peer(sock: socket.socket) -> Any:
    try:
        return sock.getpeername()
    except OSError:
        return None
