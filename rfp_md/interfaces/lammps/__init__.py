"""LAMMPS: forces through fix external."""

from typing import Any

from rfp_md import lazily

_PUBLIC = {
    "Attachment": "rfp_md.interfaces.lammps.attachment",
    "attach": "rfp_md.interfaces.lammps.attachment",
    "open_lammps": "rfp_md.interfaces.lammps.attachment",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    return lazily(__name__, _PUBLIC, name)
