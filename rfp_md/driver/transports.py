"""Where the server is: connecting, with patience, to a unix or an internet socket."""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass
from pathlib import Path

from rfp_md.errors import UserError

IPI_PREFIX = "/tmp/ipi_"  # where i-PI and LAMMPS put their unix sockets unless told otherwise
LONGEST_UNIX_PATH = 107  # bytes, a limit of the operating system
RETRY_SECONDS = 0.1


@dataclass(frozen=True)
class UnixAddress:
    """A unix socket: i-PI's name for it, which follows a prefix, or an absolute path.

    Raises:
        UserError: a name that i-PI or the operating system cannot make a socket of.
    """

    name: str
    prefix: str = IPI_PREFIX

    def __post_init__(self) -> None:
        if not self.name or self.name.endswith("/"):
            raise UserError(f"'{self.name}' names no unix socket; give i-PI's name of it, or an absolute path")
        if "/" in self.name and not Path(self.name).is_absolute():
            raise UserError(
                f"'{self.name}': i-PI's name of a unix socket has no slash; give a plain name, or an absolute path"
            )
        if (length := len(self.path.encode())) > LONGEST_UNIX_PATH:
            raise UserError(
                f"{self.path}: the path is longer than {LONGEST_UNIX_PATH} bytes, which unix sockets are limited to "
                f"({length} with the prefix); use a shorter name"
            )

    @property
    def path(self) -> str:
        """The socket's path in the file system."""
        return self.name if Path(self.name).is_absolute() else self.prefix + self.name

    def __str__(self) -> str:
        return f"unix socket {self.path}"

    def open(self, patience: float) -> socket.socket:
        """Connect once, waiting ``patience`` seconds at most. Raises OSError where nobody is there."""
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.settimeout(patience)
            sock.connect(self.path)
        except OSError:
            sock.close()
            raise
        return sock


@dataclass(frozen=True)
class InetAddress:
    """An internet socket: a host and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    def open(self, patience: float) -> socket.socket:
        """Connect once, waiting ``patience`` seconds at most. Raises OSError where nobody is there."""
        sock = socket.create_connection((self.host, self.port), timeout=patience)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock


Address = UnixAddress | InetAddress


def choose_address(unix: str | None, shm: str | None, host: str | None, port: int | None, prefix: str) -> Address:
    """Choose the one address that the flags name. Raises UserError for none and for two."""
    named = {"--unix": unix is not None, "--shm": shm is not None, "--host/--port": (host or port) is not None}
    if sum(named.values()) > 1:
        raise UserError(f"{' and '.join(flag for flag, given in named.items() if given)} name two servers; give one")
    if (name := shm if unix is None else unix) is not None:
        return UnixAddress(name, prefix)
    if port is None:
        raise UserError("no address: give --unix NAME, --shm NAME, or --host HOST and --port PORT")
    return InetAddress(host or "localhost", port)


def connect(address: Address, patience: float) -> socket.socket:
    """Make the first connection; the driver may be started before the server.

    Raises:
        UserError: an unknown host, or nobody there after ``patience`` seconds.
    """
    try:
        return attempt(address, patience)
    except socket.gaierror as error:
        raise UserError(f"--host: '{address}' is no address that this machine knows ({error.strerror})") from error
    except OSError as error:
        raise UserError(
            f"no server at {address} after {patience:g} s ({error.strerror or error}); "
            "start i-PI, check the address of its <ffsocket>, or wait longer with --timeout"
        ) from error


def attempt(address: Address, patience: float) -> socket.socket:
    """Connect, trying again until ``patience`` seconds are over. Raises OSError, the last one's."""
    deadline = time.monotonic() + patience
    while True:
        try:
            return address.open(max(RETRY_SECONDS, deadline - time.monotonic()))
        except socket.gaierror:
            raise
        except OSError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(RETRY_SECONDS)
