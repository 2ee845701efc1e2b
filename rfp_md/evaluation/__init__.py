"""How far a potential is from reference frames, and whether that says anything."""

from typing import Any

from rfp_md import lazily

_PUBLIC = {
    "error_figures": "rfp_md.evaluation.run",
    "evaluate": "rfp_md.evaluation.run",
    "pairs_of": "rfp_md.evaluation.run",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    return lazily(__name__, _PUBLIC, name)
