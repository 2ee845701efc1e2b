"""The message loop: one connection from the first STATUS to EXIT."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite

import numpy as np
from ase.units import Bohr, Hartree

from rfp_md.driver.protocol import HAVEDATA, NEEDINIT, READY, Connection, Init, ProtocolError, Structure, force_reply
from rfp_md.errors import UserError
from rfp_md.frames import Floats, Frames
from rfp_md.potential import Potential

# Energy (eV), forces (N, 3) (eV/Å) and virial (3, 3) (eV) of a cell (3, 3), rows, and positions (N, 3), both in Å.
Evaluate = Callable[[Floats, Floats], tuple[float, Floats, Floats]]


@dataclass
class Counts:
    """What a session did, for its last line."""

    evaluations: int = 0


def serve(connection: Connection, evaluate: Evaluate, counts: Counts) -> None:
    """Answer until the server says EXIT.

    The positions are evaluated when they arrive; both message orders of i-PI work, POSDATA with GETFORCE
    at its heels and POSDATA, STATUS, GETFORCE.

    Raises:
        ConnectionClosedError: the server went away without EXIT.
        ProtocolError: a message that does not belong here.
        UserError: a structure that the model refuses, or a result that is not finite; nothing is sent then.
    """
    initialised = False
    reply: bytes | None = None
    while True:
        header = connection.read_header()
        if header == "STATUS":
            connection.send(HAVEDATA if reply is not None else READY if initialised else NEEDINIT)
        elif header == "POSDATA":
            reply = answer(connection.read_structure(), evaluate)
            counts.evaluations += 1
        elif header == "GETFORCE":
            if reply is None:
                raise ProtocolError("GETFORCE came before POSDATA")
            connection.send(reply)
            reply = None
        elif header == "INIT":
            check_init(connection.read_init())
            initialised = True
        elif header == "EXIT":
            return
        else:
            raise ProtocolError(f"the header {header!r}")


def check_init(init: Init) -> None:
    """Refuse a run that this driver cannot serve."""
    batch = init.parameters.get("batch_size", "1")
    if batch != "1":
        raise UserError(
            f"the server wants batches of {batch} structures, which this driver does not serve; "
            "remove <batch_size> from the <ffsocket> of the i-PI input"
        )


def answer(structure: Structure, evaluate: Evaluate) -> bytes:
    """The reply to one structure, in atomic units. i-PI would take NaN without a word, so it is refused here."""
    energy, forces, virial = evaluate(structure.cell * Bohr, structure.positions * Bohr)
    # A sum is finite only if all of its terms are.
    if not isfinite(energy + np.add.reduce(forces, axis=None) + np.add.reduce(virial, axis=None)):
        raise UserError("the model gave a result that is not finite; nothing was sent to the server")
    return force_reply(energy / Hartree, forces * (Bohr / Hartree), virial / Hartree)


def evaluator(potential: Potential, template: Frames) -> Evaluate:
    """The potential as the session wants it.

    Args:
        template: one structure that says which atom is which, and whether it is periodic.
    """
    source = "the server's structure"

    def evaluate(cell: Floats, positions: Floats) -> tuple[float, Floats, Floats]:
        if len(positions) != template.n_atoms:
            raise UserError(
                f"the server sends {len(positions)} atoms, but the model has {template.n_atoms}; "
                "check the file in <initialize> of the i-PI input"
            )
        cells = cell[None] if template.periodic else None
        prediction = potential.compute(
            Frames(template.numbers, positions[None], cells=cells, pbc=template.pbc, source=source)
        )
        return float(prediction.energies[0]), prediction.forces[0], prediction.virials[0]

    return evaluate
