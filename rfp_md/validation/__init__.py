"""Can this potential be trusted in MD? Checks that give figures and a verdict."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal


def validate(model: str | Path, check: Literal["forces", "nve"], **options: Any) -> dict[str, Any]:
    """Run one check on a ``.rfp`` file, as ``rfp validate`` does.

    Args:
        check: ``forces`` or ``nve``.
        options: those of ``check_forces`` or ``check_nve``.

    Returns:
        ``passed``, and the figures of the check.
    """
    from rfp_md.artifact import load

    potential = load(model)
    if check == "forces":
        from rfp_md.validation.forces import check_forces

        return check_forces(potential, **options)
    from rfp_md.validation.nve import check_nve

    return check_nve(potential, **options)
