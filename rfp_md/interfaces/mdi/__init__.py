"""MDI: the model as an engine."""

from typing import Any

from rfp_md import lazily

_PUBLIC = {
    "serve_mdi": "rfp_md.interfaces.mdi.serve",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    return lazily(__name__, _PUBLIC, name)
