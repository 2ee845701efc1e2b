"""Options of ``rfp-driver``."""

from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Annotated

from rfp_md.driver.transports import IPI_PREFIX, Address, choose_address
from rfp_md.verbs import Option


@dataclass(frozen=True)
class DriverOptions:
    """Options of ``rfp-driver``."""

    _: KW_ONLY
    model: Annotated[Path | str, Option("The .rfp file to serve.")]
    unix: Annotated[str | None, Option("i-PI's name of a unix socket, or an absolute path.")] = None
    shm: Annotated[str | None, Option('The same for i-PI\'s mode="shm": numbers in shared memory.')] = None
    host: Annotated[str | None, Option("Host of an inet socket.")] = None
    port: Annotated[int | None, Option("Port of an inet socket.", least=1, most=65535)] = None
    sockets_prefix: Annotated[str, Option("What i-PI puts before a unix socket's name.")] = IPI_PREFIX
    connections: Annotated[
        int, Option("Connect so many times and evaluate together what comes.", least=1, most=1000)
    ] = 1
    template: Annotated[
        Path | str | None, Option("Structure with the server's atoms in its order; for any composition.")
    ] = None
    timeout: Annotated[float, Option("Seconds to wait for the server.", least=0.1, most=1e6)] = 60.0
    max_mismatch: Annotated[float | None, Option("Stop where energy and work differ by more, meV/atom.", least=0.0)] = (
        None
    )
    min_distance: Annotated[float | None, Option("Stop where two atoms come closer, Å.", least=0.0)] = None
    committee: Annotated[bool, Option("Send what the model's committee says, as i-PI's ffcommittee reads it.")] = False
    max_uncertainty: Annotated[
        float | None,
        Option("Stop where the force on an atom is more uncertain, eV/Å; with it goes --committee.", least=0.0),
    ] = None
    log_every: Annotated[int, Option("Evaluations between two lines of the log.", least=1)] = 100_000
    mdi: Annotated[str | None, Option("Serve as an MDI engine with these MDI options instead.")] = None
    print_ipi: Annotated[bool, Option("Print a complete i-PI input for this model and address, and end.")] = False
    nve: Annotated[bool, Option("… at constant energy (the default).")] = False
    nvt: Annotated[bool, Option("… with a thermostat.")] = False
    pimd: Annotated[int | None, Option("… path integrals with so many beads.", least=2)] = None
    init: Annotated[Path | str | None, Option("… from this structure.")] = None

    @property
    def names_address(self) -> bool:
        """Whether a server is named at all."""
        return any(flag is not None for flag in (self.unix, self.shm, self.host, self.port))

    @property
    def address(self) -> Address:
        """The one address that is named. Raises UserError for none and for two."""
        return choose_address(self.unix, self.shm, self.host, self.port, self.sockets_prefix)
