"""Serving a model to i-PI, from the connection to the server's EXIT or whatever else ends it."""

from __future__ import annotations

import contextlib
import gc
import signal
from collections.abc import Callable, Iterator
from typing import NoReturn

import typer

from rfp_md.artifact.file import load
from rfp_md.cli.driver_log import log, warn
from rfp_md.cli.signals import handle
from rfp_md.driver.evaluator import Evaluator
from rfp_md.driver.monitor import Monitor
from rfp_md.driver.options import DriverOptions
from rfp_md.driver.protocol import ProtocolError, SocketPayload
from rfp_md.driver.service import serve
from rfp_md.driver.session import ConnectionClosedError, Session
from rfp_md.driver.shared_memory import SharedMemoryPayload
from rfp_md.driver.transports import Address, attempt, connect
from rfp_md.errors import UserError
from rfp_md.frames import Frames
from rfp_md.interfaces.template import template_of

# A server that has taken one connection is there; while another one is tried, nobody answers it.
ANOTHER_CONNECTION = 1.0  # s


class StoppedBySignal(BaseException):
    """SIGTERM or SIGINT came."""


def serve_ipi(options: DriverOptions) -> None:
    """Answer i-PI, or whatever speaks its protocol, until it says EXIT."""
    address = options.address
    potential = load(options.model)
    structure = template_of(potential, options.template)
    warn(potential, options.model)
    committee = options.committee or options.max_uncertainty is not None
    evaluator = Evaluator.of(potential, structure, committee=committee)
    monitor = Monitor(
        structure.n_atoms,
        log,
        log_every=options.log_every,
        max_mismatch=options.max_mismatch,
        min_distance=options.min_distance,
        max_uncertainty=options.max_uncertainty,
    )
    _warm_up(evaluator, structure)
    for number in (signal.SIGTERM, signal.SIGINT):
        handle(number, _stop)
    with _explained(address, monitor):
        sessions = _sessions(options, address, structure.n_atoms)
        serve(sessions, evaluator, monitor, log, connections=options.connections)
    log(f"the server said EXIT after {monitor.summary()}")


def _sessions(options: DriverOptions, address: Address, n_atoms: int) -> Callable[[int], Session]:
    """What opens the connection of a number, from 1 on."""
    payload = SocketPayload if options.shm is None else SharedMemoryPayload

    def open_session(number: int) -> Session:
        sock = connect(address, options.timeout) if number == 1 else attempt(address, ANOTHER_CONNECTION)
        log(f"connected to {address}")
        sock.settimeout(options.timeout)
        return Session(sock, payload(n_atoms))

    return open_session


@contextlib.contextmanager
def _explained(address: Address, monitor: Monitor) -> Iterator[None]:
    """Whatever ends the service before EXIT becomes one sentence and an exit code."""
    try:
        yield
    except TimeoutError as error:
        raise UserError(f"something listens at {address}, but {error}; is it i-PI, and not stuck?") from error
    except ProtocolError as error:
        raise UserError(f"{address} does not speak the i-PI protocol: it sent {error}") from error
    except ConnectionClosedError:
        log(f"the server closed the connection without EXIT after {monitor.summary()}")
        raise typer.Exit(1) from None
    except StoppedBySignal as stop:
        received = signal.Signals(stop.args[0])
        log(f"stopped by {received.name} after {monitor.summary()}")
        raise typer.Exit(128 + received) from None


def _warm_up(evaluator: Evaluator, structure: Frames) -> None:
    """Compile model and monitor before anyone waits for them, and let garbage collections pass by what stays."""
    frames = structure.at(structure.positions[:1])
    monitor = Monitor(structure.n_atoms, log, min_distance=0.0)
    monitor.check_distances(frames)
    monitor.observe(frames, evaluator.evaluate(frames)[0])
    gc.freeze()


def _stop(number: int) -> NoReturn:
    raise StoppedBySignal(number)
