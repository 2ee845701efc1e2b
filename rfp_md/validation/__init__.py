"""Can a potential be trusted in MD? Checks that give figures and a verdict.

``validate`` is imported when it is first used, so that the command line can read the table of checks for little.
"""

from typing import Any

__all__ = ["validate"]


def __getattr__(name: str) -> Any:
    if name == "validate":
        from rfp_md.validation.run import validate

        return validate
    raise AttributeError(f"module 'rfp_md.validation' has no attribute {name!r}")
