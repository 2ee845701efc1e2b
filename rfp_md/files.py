"""Outputs are written beside their place and moved there, so that nothing half-written is ever left."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rfp_md.errors import UserError


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path in the same folder; on success it takes the place of ``path``, else it is removed.

    Raises:
        UserError: the folder does not exist or cannot be written to.
    """
    path = Path(path)
    check_output(path)
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=path.suffix)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror})") from error
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror})") from error
    finally:
        temporary.unlink(missing_ok=True)


def check_output(path: str | Path, inputs: Sequence[str | Path] = ()) -> None:
    """Raise UserError if a file cannot be made there, or is one of the inputs, before long work is done for it."""
    path = Path(path)
    if path.exists() and not path.is_file():
        raise UserError(f"{path}: cannot be written (it is a folder or a device); name a file")
    if path.exists() and any(Path(name).exists() and path.samefile(name) for name in inputs):
        raise UserError(f"{path}: is an input and would be overwritten; name another output")
    folder = path.parent
    if not folder.is_dir():
        raise UserError(f"{path}: cannot be written (no folder {folder}); choose a folder that exists")
    if not os.access(folder, os.W_OK):
        raise UserError(f"{path}: cannot be written (folder {folder} is read-only); choose another folder")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
