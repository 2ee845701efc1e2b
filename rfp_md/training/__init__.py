"""From reference frames to a potential."""

from typing import Any

from rfp_md import lazily

_PUBLIC = {
    "train": "rfp_md.training.run",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    return lazily(__name__, _PUBLIC, name)
