"""The ``.rfp`` file."""

from rfp_md.artifact.assembly import OWN_REFERENCE
from rfp_md.artifact.container import read
from rfp_md.artifact.file import identity, load, rewrite_record, save
from rfp_md.artifact.header import FORMAT_VERSION, Arrays, Entry, Header

__all__ = [
    "FORMAT_VERSION",
    "OWN_REFERENCE",
    "Arrays",
    "Entry",
    "Header",
    "identity",
    "load",
    "read",
    "rewrite_record",
    "save",
]
