"""Can a potential be trusted in MD? Checks that give figures and a verdict."""

from typing import Any

from rfp_md import lazily

_PUBLIC = {
    "validate": "rfp_md.validation.run",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    return lazily(__name__, _PUBLIC, name)
