"""rfp-driver: serve a model to i-PI and to whatever speaks its socket protocol."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from rfp_md.cli.console import run_app
from rfp_md.errors import UserError

if TYPE_CHECKING:
    from rfp_md.frames import Frames
    from rfp_md.potential import Potential

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


class StoppedBySignal(BaseException):
    """SIGTERM or SIGINT came."""


@app.command()
def driver(
    model: Annotated[Path, typer.Option(help="The .rfp file to serve.")],
    unix: Annotated[str | None, typer.Option(help="i-PI's name of a unix socket, or an absolute path.")] = None,
    host: Annotated[str | None, typer.Option(help="Host of an inet socket.")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port of an inet socket.")] = None,
    template: Annotated[
        Path | None, typer.Option(help="Structure with the server's atoms in its order; for any composition.")
    ] = None,
    timeout: Annotated[float, typer.Option(min=0.1, max=1e6, help="Seconds to wait for the server.")] = 60.0,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Serve a model to i-PI until it says EXIT."""
    import numpy as np

    from rfp_md.artifact import load
    from rfp_md.driver.protocol import Connection, ConnectionClosedError, ProtocolError
    from rfp_md.driver.session import Counts, evaluator, serve
    from rfp_md.driver.transports import choose_address, connect

    address = choose_address(unix, host, port)
    potential = load(model)
    structure = _template(potential, template)
    evaluate = evaluator(potential, structure)
    cell = np.zeros((3, 3)) if structure.cells is None else structure.cells[0]
    evaluate(cell, structure.positions[0])  # compiles the model before anyone waits for it

    counts = Counts()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    try:
        with connect(address, timeout) as sock:
            _log(f"connected to {address}")
            sock.settimeout(timeout)
            connection = Connection(sock)
            connection.wait_for_first_byte()
            sock.settimeout(None)
            serve(connection, evaluate, counts)
    except TimeoutError as error:
        raise UserError(
            f"something listens at {address}, but said nothing in {timeout:g} s; is it i-PI, and not stuck?"
        ) from error
    except ProtocolError as error:
        raise UserError(f"{address} does not speak the i-PI protocol: it sent {error}") from error
    except ConnectionClosedError:
        _log(f"the server closed the connection without EXIT after {counts.evaluations} evaluations")
        raise typer.Exit(1) from None
    except StoppedBySignal as stop:
        received = signal.Signals(stop.args[0])
        _log(f"stopped by {received.name} after {counts.evaluations} evaluations")
        raise typer.Exit(128 + received) from None
    _log(f"the server said EXIT after {counts.evaluations} evaluations")


def _template(potential: Potential, path: Path | None) -> Frames:
    """The structure that says which atom is which: i-PI never does."""
    from rfp_md.io import read

    if path is not None:
        frames = read(path).blocks[0][:1]
        potential.check(frames)
        return frames
    if potential.fixed_composition or potential.record.get("data", {}).get("one_composition"):
        return potential.reference
    raise UserError("this model is for any composition; say which atoms the server has with --template FILE")


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    raise StoppedBySignal(number)


def _log(text: str) -> None:
    print(f"rfp-driver: {text}", file=sys.stderr, flush=True)


def main() -> None:
    run_app(app, "rfp-driver")
