"""Plugins: entry points, found lazily and loaded with care."""

from rfp_md.plugins.base import Kind, Plugin
from rfp_md.plugins.registry import check_version, create, find, listing, load, origin, parameters, registered_names

__all__ = [
    "Kind",
    "Plugin",
    "check_version",
    "create",
    "find",
    "listing",
    "load",
    "origin",
    "parameters",
    "registered_names",
]
