"""Random-feature potentials for molecular dynamics.

    >>> import rfp_md
    >>> potential = rfp_md.train("benzene.extxyz", output="benzene.rfp")
    >>> rfp_md.evaluate("benzene.rfp", "test.extxyz")["force_mae_mev_per_angstrom"]

The public functions are imported when they are first used, so that ``import rfp_md`` costs nothing.
"""

from typing import Any


def lazily(package: str, public: dict[str, str], name: str) -> Any:
    """A public name of a package, from the module that has it: what the package's ``__getattr__`` returns (PEP 562)."""
    from importlib import import_module

    if name not in public:
        raise AttributeError(f"module {package!r} has no attribute {name!r}")
    return getattr(import_module(public[name]), name)


_PUBLIC = {
    "Dataset": "rfp_md.frames",
    "Frames": "rfp_md.frames",
    "Potential": "rfp_md.potential",
    "UserError": "rfp_md.errors",
    "evaluate": "rfp_md.evaluation.run",
    "load": "rfp_md.artifact.file",
    "read": "rfp_md.io",
    "sample": "rfp_md.sampling.run",
    "save": "rfp_md.artifact.file",
    "train": "rfp_md.training.run",
    "validate": "rfp_md.validation.run",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("rfp-md")
    return lazily(__name__, _PUBLIC, name)
