"""rfp-driver: serve a model to i-PI and to whatever speaks its socket protocol, or to MDI; or print an i-PI input."""

from __future__ import annotations

import typer

from rfp_md.cli.command import command_of
from rfp_md.cli.console import run_app
from rfp_md.cli.driver_log import log, warn
from rfp_md.cli.options import Debug
from rfp_md.driver.options import DriverOptions
from rfp_md.errors import UserError

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


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
        from rfp_md.cli.serve_ipi import serve_ipi

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
        if options.names_address:
            raise UserError("--mdi and an address name two servers; give one")
        if limits or options.connections > 1:
            raise UserError("--max-mismatch, --min-distance and --connections are not for --mdi; leave them out")
        if options.committee or options.max_uncertainty is not None:
            raise UserError("--committee and --max-uncertainty are not for --mdi; leave them out")


def print_ipi_input(options: DriverOptions) -> None:
    """Print a complete input for i-PI, which finds the model at the address, or without one in its own process."""
    from rfp_md.artifact.file import load
    from rfp_md.interfaces.ipi.input import ipi_input

    address = options.address if options.names_address else None
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
        exit_on_disconnect=True,  # a driver that stops itself, at a limit of the user's, ends its run
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
    warn(potential, options.model)
    # An MDI driver may say itself which atoms it has.
    unknown = options.template is None and needs_template(potential)
    structure = None if unknown else template_of(potential, options.template, says_boundaries=False)
    try:
        evaluations = serve_mdi(potential, structure, mdi, timeout=options.timeout)
    except ConnectionError:
        log("the MDI driver closed the connection without EXIT")
        raise typer.Exit(1) from None
    log(f"the MDI driver said EXIT after {evaluations} evaluations")


def main() -> None:
    """Run the command ``rfp-driver``; its entry point."""
    run_app(app, "rfp-driver")
