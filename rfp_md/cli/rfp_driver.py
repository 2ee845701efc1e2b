"""rfp-driver: serve a model to i-PI and to whatever speaks its socket protocol, or to MDI; or print an i-PI input."""

from __future__ import annotations

import contextlib
import gc
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

import typer

from rfp_md.cli.command import command_of
from rfp_md.cli.console import run_app
from rfp_md.cli.options import Debug
from rfp_md.driver.options import DriverOptions
from rfp_md.errors import UserError

if TYPE_CHECKING:
    from rfp_md.driver.evaluator import Evaluator
    from rfp_md.driver.monitor import Monitor
    from rfp_md.driver.session import Session
    from rfp_md.driver.transports import Address
    from rfp_md.frames import Frames
    from rfp_md.potential import Potential

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

# A server that has taken one connection is there; while another one is tried, nobody answers it.
ANOTHER_CONNECTION = 1.0  # s


class StoppedBySignal(BaseException):
    """SIGTERM or SIGINT came."""


@app.command()
@command_of(DriverOptions)
def driver(options: DriverOptions, debug: Debug = False) -> None:
    """Serve a model to i-PI until it says EXIT."""
    _refuse(options)
    if options.print_ipi:
        print_ipi_input(options)
    elif options.mdi is not None:
        serve_as_mdi_engine(options, options.mdi)
    else:
        serve_ipi(options)


def _refuse(options: DriverOptions) -> None:
    """Refuse options that exclude each other."""
    ensembles = options.nve + options.nvt + (options.pimd is not None)
    limits = options.max_mismatch is not None or options.min_distance is not None
    if options.print_ipi:
        if options.mdi is not None:
            raise UserError("--print-ipi prints an input for i-PI, not for --mdi; leave one of them out")
        if ensembles > 1:
            raise UserError("--nve, --nvt and --pimd exclude each other; give one")
    elif ensembles or options.init is not None:
        raise UserError("--nve, --nvt, --pimd and --init say what --print-ipi prints; add it, or leave them out")
    elif options.mdi is not None:
        if _names_address(options):
            raise UserError("--mdi and an address name two servers; give one")
        if limits or options.connections > 1:
            raise UserError("--max-mismatch, --min-distance and --connections are not for --mdi; leave them out")
        if options.committee or options.max_uncertainty is not None:
            raise UserError("--committee and --max-uncertainty are not for --mdi; leave them out")


def _names_address(options: DriverOptions) -> bool:
    return any(flag is not None for flag in (options.unix, options.shm, options.host, options.port))


def _address(options: DriverOptions) -> Address:
    from rfp_md.driver.transports import choose_address

    return choose_address(options.unix, options.shm, options.host, options.port, options.sockets_prefix)


def print_ipi_input(options: DriverOptions) -> None:
    """Print a complete input for i-PI, which finds the model at the address, or without one in its own process."""
    from rfp_md.artifact.file import load
    from rfp_md.interfaces.ipi.input import ipi_input

    address = _address(options) if _names_address(options) else None
    text = ipi_input(
        load(options.model),
        options.model,
        address,
        shared_memory=options.shm is not None,
        template=options.template,
        init=options.init,
        ensemble="nvt" if options.nvt or options.pimd else "nve",
        beads=options.pimd or 1,
        committee=options.committee,
    )
    print(text, end="")


def serve_as_mdi_engine(options: DriverOptions, mdi: str) -> None:
    """Answer an MDI driver until it says EXIT.

    Args:
        mdi: the MDI library's options.
    """
    from rfp_md.artifact.file import load
    from rfp_md.interfaces.mdi.serve import serve_mdi
    from rfp_md.interfaces.template import needs_template, template_of

    potential = load(options.model)
    _warn(potential, options.model)
    # An MDI driver may say itself which atoms it has.
    unknown = options.template is None and needs_template(potential)
    structure = None if unknown else template_of(potential, options.template)
    try:
        evaluations = serve_mdi(potential, structure, mdi, timeout=options.timeout)
    except ConnectionError:
        _log("the MDI driver closed the connection without EXIT")
        raise typer.Exit(1) from None
    _log(f"the MDI driver said EXIT after {evaluations} evaluations")


def serve_ipi(options: DriverOptions) -> None:
    """Answer i-PI, or whatever speaks its protocol, until it says EXIT."""
    from rfp_md.artifact.file import load
    from rfp_md.driver.evaluator import Evaluator
    from rfp_md.driver.monitor import Monitor
    from rfp_md.driver.service import serve
    from rfp_md.interfaces.template import template_of

    address = _address(options)
    potential = load(options.model)
    structure = template_of(potential, options.template)
    _warn(potential, options.model)
    committee = options.committee or options.max_uncertainty is not None
    evaluator = Evaluator.of(potential, structure, committee=committee)
    monitor = Monitor(
        structure.n_atoms,
        _log,
        log_every=options.log_every,
        max_mismatch=options.max_mismatch,
        min_distance=options.min_distance,
        max_uncertainty=options.max_uncertainty,
    )
    _warm_up(evaluator, structure)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    with _explained(address, monitor):
        sessions = _sessions(options, address, structure.n_atoms)
        serve(sessions, evaluator, monitor, _log, connections=options.connections)
    _log(f"the server said EXIT after {monitor.summary()}")


def _sessions(options: DriverOptions, address: Address, n_atoms: int) -> Callable[[int], Session]:
    """What opens the connection of a number, from 1 on."""
    from rfp_md.driver.protocol import SocketPayload
    from rfp_md.driver.session import Session
    from rfp_md.driver.shared_memory import SharedMemoryPayload
    from rfp_md.driver.transports import attempt, connect

    payload = SocketPayload if options.shm is None else SharedMemoryPayload

    def open_session(number: int) -> Session:
        sock = connect(address, options.timeout) if number == 1 else attempt(address, ANOTHER_CONNECTION)
        _log(f"connected to {address}")
        sock.settimeout(options.timeout)
        return Session(sock, payload(n_atoms))

    return open_session


@contextlib.contextmanager
def _explained(address: Address, monitor: Monitor) -> Iterator[None]:
    """Whatever ends the service before EXIT becomes one sentence and an exit code."""
    from rfp_md.driver.protocol import ProtocolError
    from rfp_md.driver.session import ConnectionClosedError

    try:
        yield
    except TimeoutError as error:
        raise UserError(f"something listens at {address}, but {error}; is it i-PI, and not stuck?") from error
    except ProtocolError as error:
        raise UserError(f"{address} does not speak the i-PI protocol: it sent {error}") from error
    except ConnectionClosedError:
        _log(f"the server closed the connection without EXIT after {monitor.summary()}")
        raise typer.Exit(1) from None
    except StoppedBySignal as stop:
        received = signal.Signals(stop.args[0])
        _log(f"stopped by {received.name} after {monitor.summary()}")
        raise typer.Exit(128 + received) from None


def _warn(potential: Potential, model: str | Path) -> None:
    """Say what is known against a model."""
    from rfp_md.validation.record import doubt

    if potential.direct:
        _log("warning: a direct model's forces are not the gradient of its energy; it cannot conserve energy")
    if (text := doubt(potential.record, model)) is not None:
        _log(f"warning: {text}")


def _warm_up(evaluator: Evaluator, structure: Frames) -> None:
    """Compile model and monitor before anyone waits for them, and let garbage collections pass by what stays."""
    from rfp_md.driver.monitor import Monitor

    frames = structure.at(structure.positions[:1])
    monitor = Monitor(structure.n_atoms, _log, min_distance=0.0)
    monitor.check_distances(frames)
    monitor.observe(frames, evaluator.evaluate(frames)[0])
    gc.freeze()


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    raise StoppedBySignal(number)


def _log(text: str) -> None:
    # A log that cannot be written (a full disk) is no reason to let the server down.
    with contextlib.suppress(OSError):
        print(f"rfp-driver: {text}", file=sys.stderr, flush=True)


def main() -> None:
    run_app(app, "rfp-driver")
