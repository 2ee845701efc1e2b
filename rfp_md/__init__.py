"""Random-feature potentials for molecular dynamics.

    >>> import rfp_md
    >>> potential = rfp_md.train("benzene.extxyz", output="benzene.rfp")
    >>> rfp_md.evaluate("benzene.rfp", "test.extxyz")["force_mae_mev_per_angstrom"]

The public functions are imported when they are first used, so that ``import rfp_md`` costs nothing.
"""

from typing import Any

_PUBLIC = {
    "Dataset": "rfp_md.frames",
    "Frames": "rfp_md.frames",
    "Potential": "rfp_md.potential",
    "UserError": "rfp_md.errors",
    "evaluate": "rfp_md.evaluation.evaluate",
    "load": "rfp_md.artifact.file",
    "read": "rfp_md.io",
    "sample": "rfp_md.sampling.sample",
    "save": "rfp_md.artifact.file",
    "train": "rfp_md.training.train",
    "validate": "rfp_md.validation.run",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    from importlib import import_module
    from importlib.metadata import version

    if name == "__version__":
        return version("rfp-md")
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'rfp_md' has no attribute {name!r}")
