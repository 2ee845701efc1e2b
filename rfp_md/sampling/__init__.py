"""Reference frames by molecular dynamics."""

from typing import Any

from rfp_md import lazily

_PUBLIC = {
    "sample": "rfp_md.sampling.run",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    return lazily(__name__, _PUBLIC, name)
