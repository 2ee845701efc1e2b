"""rfp-driver: serve a model to i-PI and to whatever speaks its socket protocol."""

from __future__ import annotations

import contextlib
import gc
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from rfp_md.cli.console import run_app
from rfp_md.errors import UserError

if TYPE_CHECKING:
    from rfp_md.driver.evaluator import Evaluator
    from rfp_md.driver.transports import Address
    from rfp_md.frames import Frames
    from rfp_md.interfaces.ipi.input import Ensemble
    from rfp_md.potential import Potential

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


# A server that has taken one connection is there; while another one is tried, nobody answers it.
ANOTHER_CONNECTION = 1.0  # s


class StoppedBySignal(BaseException):
    """SIGTERM or SIGINT came."""


@app.command()
def driver(
    model: Annotated[Path, typer.Option(help="The .rfp file to serve.")],
    unix: Annotated[str | None, typer.Option(help="i-PI's name of a unix socket, or an absolute path.")] = None,
    shm: Annotated[str | None, typer.Option(help='The same for i-PI\'s mode="shm": numbers in shared memory.')] = None,
    host: Annotated[str | None, typer.Option(help="Host of an inet socket.")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port of an inet socket.")] = None,
    sockets_prefix: Annotated[str, typer.Option(help="What i-PI puts before a unix socket's name.")] = "/tmp/ipi_",
    connections: Annotated[
        int, typer.Option(min=1, max=1000, help="Connect so many times and evaluate together what comes.")
    ] = 1,
    template: Annotated[
        Path | None, typer.Option(help="Structure with the server's atoms in its order; for any composition.")
    ] = None,
    timeout: Annotated[float, typer.Option(min=0.1, max=1e6, help="Seconds to wait for the server.")] = 60.0,
    max_mismatch: Annotated[
        float | None, typer.Option(min=0.0, help="Stop where energy and work differ by more, meV/atom.")
    ] = None,
    min_distance: Annotated[float | None, typer.Option(min=0.0, help="Stop where two atoms come closer, Å.")] = None,
    committee: Annotated[
        bool, typer.Option("--committee", help="Send what the model's committee says, as i-PI's ffcommittee reads it.")
    ] = False,
    max_uncertainty: Annotated[
        float | None,
        typer.Option(
            min=0.0, help="Stop where the force on an atom is more uncertain, eV/Å; with it goes --committee."
        ),
    ] = None,
    log_every: Annotated[int, typer.Option(min=1, help="Evaluations between two lines of the log.")] = 100_000,
    mdi: Annotated[str | None, typer.Option(help="Serve as an MDI engine with these MDI options instead.")] = None,
    print_ipi: Annotated[
        bool, typer.Option("--print-ipi", help="Print a complete i-PI input for this model and address, and end.")
    ] = False,
    nve: Annotated[bool, typer.Option("--nve", help="… at constant energy (the default).")] = False,
    nvt: Annotated[bool, typer.Option("--nvt", help="… with a thermostat.")] = False,
    pimd: Annotated[int | None, typer.Option(min=2, help="… path integrals with so many beads.")] = None,
    init: Annotated[Path | None, typer.Option(help="… from this structure.")] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Serve a model to i-PI until it says EXIT."""
    from rfp_md.artifact.file import load
    from rfp_md.driver.evaluator import Evaluator
    from rfp_md.driver.monitor import Monitor
    from rfp_md.driver.protocol import ProtocolError, SocketPayload
    from rfp_md.driver.service import serve
    from rfp_md.driver.session import ConnectionClosedError, Session
    from rfp_md.driver.shared_memory import SharedMemoryPayload
    from rfp_md.driver.transports import attempt, choose_address, connect
    from rfp_md.interfaces.template import template_of

    if print_ipi and mdi is not None:
        raise UserError("--print-ipi prints an input for i-PI, not for --mdi; leave one of them out")
    if print_ipi:
        given = any(flag is not None for flag in (unix, shm, host, port))
        address = choose_address(unix, shm, host, port, sockets_prefix) if given else None
        _print_ipi(model, address, shm is not None, template, init, nve=nve, nvt=nvt, pimd=pimd, committee=committee)
        return
    if nve or nvt or pimd is not None or init is not None:
        raise UserError("--nve, --nvt, --pimd and --init say what --print-ipi prints; add it, or leave them out")
    if mdi is not None:
        if any(flag is not None for flag in (unix, shm, host, port)):
            raise UserError("--mdi and an address name two servers; give one")
        if max_mismatch is not None or min_distance is not None or connections > 1:
            raise UserError("--max-mismatch, --min-distance and --connections are not for --mdi; leave them out")
        if committee or max_uncertainty is not None:
            raise UserError("--committee and --max-uncertainty are not for --mdi; leave them out")
        _serve_mdi(model, template, mdi, timeout)
        return
    address = choose_address(unix, shm, host, port, sockets_prefix)
    potential = load(model)
    structure = template_of(potential, template)
    _warn(potential, model)
    evaluator = Evaluator.of(potential, structure, committee=committee or max_uncertainty is not None)
    monitor = Monitor(
        structure.n_atoms,
        _log,
        log_every=log_every,
        max_mismatch=max_mismatch,
        min_distance=min_distance,
        max_uncertainty=max_uncertainty,
    )
    _warm_up(evaluator, structure)

    payload = SharedMemoryPayload if shm is not None else SocketPayload

    def open_session(number: int) -> Session:
        sock = connect(address, timeout) if number == 1 else attempt(address, ANOTHER_CONNECTION)
        _log(f"connected to {address}")
        sock.settimeout(timeout)
        return Session(sock, payload(structure.n_atoms))

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    try:
        serve(open_session, evaluator, monitor, _log, connections=connections)
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
    _log(f"the server said EXIT after {monitor.summary()}")


def _print_ipi(
    model: Path,
    address: Address | None,
    shared_memory: bool,
    template: Path | None,
    init: Path | None,
    *,
    nve: bool,
    nvt: bool,
    pimd: int | None,
    committee: bool,
) -> None:
    from rfp_md.artifact.file import load
    from rfp_md.interfaces.ipi.input import ipi_input

    if nve + nvt + (pimd is not None) > 1:
        raise UserError("--nve, --nvt and --pimd exclude each other; give one")
    ensemble: Ensemble = "nvt" if nvt or pimd else "nve"
    text = ipi_input(
        load(model),
        model,
        address,
        shared_memory=shared_memory,
        template=template,
        init=init,
        ensemble=ensemble,
        beads=pimd or 1,
        committee=committee,
    )
    print(text, end="")


def _serve_mdi(model: Path, template: Path | None, options: str, timeout: float) -> None:
    from rfp_md.artifact.file import load
    from rfp_md.interfaces.mdi.serve import serve_mdi
    from rfp_md.interfaces.template import needs_template, template_of

    potential = load(model)
    _warn(potential, model)
    # An MDI driver may say itself which atoms it has.
    structure = None if template is None and needs_template(potential) else template_of(potential, template)
    try:
        evaluations = serve_mdi(potential, structure, options, timeout=timeout)
    except ConnectionError:
        _log("the MDI driver closed the connection without EXIT")
        raise typer.Exit(1) from None
    _log(f"the MDI driver said EXIT after {evaluations} evaluations")


def _warn(potential: Potential, model: Path) -> None:
    """Say what is known against a model."""
    from rfp_md.validation.record import doubt

    if not potential.conservative:
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
