"""Descriptors: geometry in, sites out."""

from rfp_md.descriptors.base import Capabilities, Descriptor

__all__ = ["Capabilities", "Descriptor"]
