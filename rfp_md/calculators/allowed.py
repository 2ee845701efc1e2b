"""Which calculators a model's file may start: a file that somebody sent must not decide what runs on this machine.

Many calculators run any command that an argument names, and a path of a class imports whatever stands there.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from rfp_md.calculators.by_path import level_of_theory
from rfp_md.errors import UserError

VARIABLE = "RFP_ALLOW_CALCULATORS"
HARMLESS = (  # installed packages that compute in memory, whatever their arguments are: no command, no file
    "ase.calculators.emt:EMT",
    "ase.calculators.lj:LennardJones",
    "ase.calculators.morse:MorsePotential",
    "dftd3.ase:DFTD3",
    "tblite.ase:TBLite",
)


def check_allowed(path: str, arguments: Sequence[str]) -> None:
    """Raise UserError unless this calculator is harmless, or the user allows it, with these arguments."""
    name = level_of_theory(path, arguments)
    if path in HARMLESS or name in os.environ.get(VARIABLE, "").splitlines():
        return
    raise UserError(
        f"runs the calculator {name}, which may execute anything; if you trust it, allow it with "
        f"export {VARIABLE}='{name}' (several: one on each line)"
    )
