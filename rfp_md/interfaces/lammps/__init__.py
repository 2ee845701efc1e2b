"""LAMMPS: forces through fix external."""

from rfp_md.interfaces.lammps.attachment import Attachment, attach, open_lammps

__all__ = ["Attachment", "attach", "open_lammps"]
