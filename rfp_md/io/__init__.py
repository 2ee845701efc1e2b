"""Readers: every file becomes a Dataset in eV, Å and eV/Å."""

from rfp_md.io.read import paths_of, read
from rfp_md.io.units import Units

__all__ = ["Units", "paths_of", "read"]
