"""The force field of an i-PI input: where the potential is."""

from __future__ import annotations

from pathlib import Path
from textwrap import indent
from xml.sax.saxutils import escape

from rfp_md.driver.transports import InetAddress, UnixAddress
from rfp_md.errors import UserError

TIMEOUT = 60  # s; after so long without an answer i-PI gives the structure to another driver

SOCKET = """\
  <ffsocket name="rfp" mode="{mode}" pbc="false">
    {place}
    <latency> 0 </latency>
    <timeout> {timeout} </timeout>{more}
  </ffsocket>"""

DIRECT = """\
  <ffdirect name="rfp"{threaded} pbc="false">
    <pes> custom </pes>
    <pes_path> {pes} </pes_path>
    <parameters> {{{parameters}}} </parameters>
    <latency> 0 </latency>{more}
  </ffdirect>"""


COMMITTEE = """\
  <ffcommittee name="rfp">
{member}
    <parse_json> True </parse_json>
  </ffcommittee>"""


def socket(address: UnixAddress | InetAddress, *, shared_memory: bool, batch: int, exit_on_disconnect: bool) -> str:
    """Write an ``<ffsocket>``, to which rfp-driver connects.

    Args:
        shared_memory: whether the numbers go through shared memory; for a unix socket.
        batch: structures in one message.
        exit_on_disconnect: whether i-PI ends with its driver, or waits for another one.
    """
    if isinstance(address, InetAddress):
        mode = "inet"
        place = f"<address> {escape(address.host)} </address> <port> {address.port} </port>"
    else:
        mode = "shm" if shared_memory else "unix"
        place = f"<address> {escape(split(address)[1])} </address>"
    more = "\n    <exit_on_disconnect> True </exit_on_disconnect>" if exit_on_disconnect else ""
    return SOCKET.format(mode=mode, place=place, timeout=TIMEOUT, more=more + _batch(batch))


def committee(forcefield: str) -> str:
    """Write an ``<ffcommittee>`` that takes its members from the extras of one force field."""
    member = forcefield.replace('name="rfp"', 'name="members"', 1)
    return COMMITTEE.format(member=indent(member, "  "))


def split(address: UnixAddress) -> tuple[str, str]:
    """Split a socket's path into i-PI's prefix of all unix sockets, and the name that follows it."""
    name = address.path.rpartition("/")[2] if Path(address.name).is_absolute() else address.name
    return address.path.removesuffix(name), name


def direct(model: str | Path, template: str | Path | None, *, batch: int) -> str:
    """Write an ``<ffdirect>``: the potential in i-PI's own process.

    Args:
        model: the ``.rfp`` file.
        template: which atom is which, for a model of any composition.
        batch: structures evaluated at once.
    """
    files = {"model": model} | ({"template": template} if template is not None else {})
    parameters = ", ".join(f"{key}: {_listed(path)}" for key, path in files.items())
    # With a thread, what is left over after full batches is evaluated as well; without one it would never be.
    threaded = ' threaded="true"' if batch > 1 else ""
    pes = escape(str(Path(__file__).parent.with_name("ipi_pes.py")))
    return DIRECT.format(threaded=threaded, pes=pes, parameters=parameters, more=_batch(batch))


def _batch(size: int) -> str:
    return f"\n    <batch_size> {size} </batch_size>" if size > 1 else ""


def _listed(path: str | Path) -> str:
    """A path as an item of i-PI's lists, absolute, so that i-PI may run elsewhere."""
    text = str(Path(path).resolve())
    if set(text) & set(",{}"):
        raise UserError(f"{text}: i-PI's input cannot hold a path with a comma or a brace; rename it")
    return escape(text)
