"""The names of the checks, and what each can be told; light, so that the command line can ask for it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args

from rfp_md.errors import UserError

Check = Literal["forces", "nve", "stability", "geometry", "all"]
CHECKS: tuple[str, ...] = get_args(Check)[:-1]

TAKEN_BY = {
    "engine": ("nve", "all"),
    "length": ("nve", "stability"),
    "timestep": ("nve", "stability"),
    "temperature": ("nve", "stability"),
    "n_structures": ("forces",),
    "seeds": ("nve",),
    "replicas": ("stability",),
    "plot": ("nve",),
    "data": ("stability", "all"),
    "scan": ("geometry", "all"),
    "checkpoint": ("stability",),
    "quick": ("forces", "nve", "stability", "all"),
    "seed": ("forces", "nve", "stability", "all"),
}


def refuse_others(check: str, options: Iterable[str]) -> None:
    """Raise UserError for a check that there is not, or for options that it does not take."""
    if check not in (*CHECKS, "all"):
        raise UserError(f"'{check}' is no check; say one of {', '.join(CHECKS)}, all after the model")
    for name in options:
        if name not in TAKEN_BY:
            known = [option for option, checks in TAKEN_BY.items() if check in checks]
            raise UserError(f"'{name}' is no option of 'validate {check}', which takes {', '.join(known)}")
        if check not in TAKEN_BY[name]:
            raise UserError(
                f"--{name} has no effect on 'validate {check}'; leave it out, or validate {' or '.join(TAKEN_BY[name])}"
            )
