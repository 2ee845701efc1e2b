"""An MDI engine: a model for drivers that speak the MolSSI Driver Interface, such as LAMMPS's ``fix mdi/qm``.

>>> from rfp_md.interfaces.mdi.serve import serve_mdi
>>> serve_mdi(potential, potential.reference, "-role ENGINE -name rfp -method TCP -hostname localhost -port 8021")
"""

from __future__ import annotations

import importlib
import socket
import threading
from typing import Any

from rfp_md.errors import UserError
from rfp_md.frames import Frames
from rfp_md.interfaces.mdi.channel import Channel
from rfp_md.interfaces.mdi.engine import NODE, MDIEngine
from rfp_md.potential import Potential

EXAMPLE = "-role ENGINE -name rfp -method TCP -hostname localhost -port 8021"


def serve_mdi(potential: Potential, template: Frames | None, options: str, *, timeout: float = 60.0) -> int:
    """Answer an MDI driver over TCP until it says EXIT; once in a process, for the library knows no second time.

    ``rfp-driver --mdi "..."`` needs no more than ``serve_mdi(potential, template, mdi, timeout=timeout)``: signals end
    the wait for a command, and errors are sentences.

    Args:
        template: one structure that says which atom is which, and where they are until the driver says more. None:
            the driver must send ``>ELEMENTS`` (``fix mdi/qm ... elements C H``).
        options: what MDI programs take after ``-mdi``; a hostname and a port must be among them.
        timeout: seconds to wait for the driver.

    Returns:
        How often the model was evaluated.

    Raises:
        UserError: pymdi is not installed, options that are no engine's, no driver in time, atoms or a command that
            cannot be served, or a result that is not finite; nothing is sent then.
        ConnectionError: the driver went away without EXIT.
    """
    host, port, text = parse_options(options)
    mdi = _import()
    engine = MDIEngine(potential, template)
    _start(mdi, text, host, port, timeout)
    mdi.MDI_Register_Node(NODE)
    for command in (*engine.commands, "EXIT"):
        mdi.MDI_Register_Command(NODE, command)
    with Channel(mdi, host, port) as channel:
        while (command := channel.command()) != "EXIT":
            engine.answer(command, channel)
    return engine.evaluations


def parse_options(options: str) -> tuple[str, int, str]:
    """Find address and port, and complete the options. Raises UserError where they are no engine's over TCP."""
    words = options.split()
    pairs = {"-role": "ENGINE", "-name": "rfp", "-method": "TCP"} | dict(zip(words[::2], words[1::2], strict=False))
    port = pairs.get("-port", "")
    engine = len(words) % 2 == 0 and pairs["-role"] == "ENGINE" and pairs["-method"] == "TCP" and "-hostname" in pairs
    if not (engine and port.isdigit() and 1 <= int(port) <= 65535):
        raise UserError(f"--mdi '{options}': these are not the options of an MDI engine over TCP; write '{EXAMPLE}'")
    try:
        pairs["-hostname"] = host = socket.gethostbyname(pairs["-hostname"])
    except OSError as error:
        raise UserError(f"--mdi: this machine knows no host '{pairs['-hostname']}' ({error.strerror})") from error
    return host, int(port), " ".join(word for pair in pairs.items() for word in pair)


def _import() -> Any:
    try:
        return importlib.import_module("mdi")
    except (ImportError, OSError) as error:
        raise UserError(f"the MDI library cannot be loaded ({error}); pip install 'rfp-md[mdi]'") from error


def _start(mdi: Any, options: str, host: str, port: int, timeout: float) -> None:
    """Let the library connect, in a thread: it tries for ever, and listens to no signal meanwhile."""
    errors: list[Exception] = []

    def start() -> None:
        try:
            mdi.MDI_Init(options)
        except Exception as error:  # noqa: BLE001
            errors.append(error)

    thread = threading.Thread(target=start, daemon=True)
    thread.start()
    thread.join(timeout)
    if errors:
        raise UserError(f"the MDI library does not start: {errors[0]}")
    if thread.is_alive():
        raise UserError(f"no MDI driver at {host}:{port} after {timeout:g} s; start it, or wait longer with --timeout")
