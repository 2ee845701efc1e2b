"""Outputs are written beside their place and moved there, so that nothing half-written is ever left."""

from __future__ import annotations

import fcntl
import os
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from rfp_md.errors import UserError


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path in the same folder; on success it takes the place of ``path``, else it is removed.

    A link stays one, what it leads to is replaced; a file that is there keeps its permissions.

    Raises:
        UserError: the folder does not exist or cannot be written to.
    """
    path = Path(path)
    check_output(path)
    target = _followed(path)
    try:
        mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o666 & ~_umask()
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=target.suffix)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror})") from error
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(mode)
        temporary.replace(target)
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
    folder = _followed(path).parent
    if not folder.is_dir():
        raise UserError(f"{path}: cannot be written (no folder {folder}); choose a folder that exists")
    if not os.access(folder, os.W_OK):
        raise UserError(f"{path}: cannot be written (folder {folder} is read-only); choose another folder")


@contextmanager
def alone_with(path: str | Path) -> Iterator[None]:
    """Wait until nobody else is in such a block of a file; its folder is what is locked, so that nothing is left.

    Raises:
        UserError: as ``check_output``.
    """
    check_output(path)
    try:
        handle = os.open(_followed(Path(path)).parent, os.O_RDONLY)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror})") from error
    try:
        with suppress(OSError):  # some network file systems know no locks
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _followed(path: Path) -> Path:
    """Where a link leads to."""
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
