"""A file that grows piece by piece and loses nothing when its writer is killed.

Beside OUT stand ``OUT.partial``, the pieces so far, and ``OUT.checkpoint``, JSON with the settings, the state
to go on from, and how many bytes of the partial file belong to it. The checkpoint is replaced in one step, so
that there is always one that is whole; what the partial file has beyond it is cut off when work goes on.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from rfp_md.errors import UserError


class Resumable:
    """The file ``output`` in the making; ``state`` is what the last checkpoint holds, None at the beginning.

    Args:
        settings: everything that the content depends on, by the names that the user gave it; values as in JSON.

    Raises:
        UserError: another writer is at work, or what is there was begun with other settings or is damaged.
    """

    def __init__(self, output: Path, settings: Mapping[str, Any]) -> None:
        self.output = output
        self.partial = output.with_name(output.name + ".partial")
        self.checkpoint = output.with_name(output.name + ".checkpoint")
        self.settings = dict(settings)
        self.state: Any = None
        self._file: BinaryIO

    @contextlib.contextmanager
    def open(self) -> Iterator[None]:
        """Hold the partial file until the end of the block; ``state`` is read from the checkpoint if there is one."""
        try:
            with self.partial.open("ab") as self._file:
                self._lock()
                try:
                    self._go_on()
                    yield
                finally:
                    if self.partial.exists() and not self.partial.stat().st_size and not self.checkpoint.exists():
                        self.partial.unlink()
        except OSError as error:
            raise UserError(f"{self.output}: cannot be written ({error.strerror})") from error

    def append(self, piece: str) -> None:
        """Add a piece; it counts from the next ``save`` on, and there must have been one before."""
        self._file.write(piece.encode())

    def save(self, state: Any) -> None:
        """Make the pieces and the state (as in JSON) what work goes on from."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self.state = state
        record = {"settings": self.settings, "state": state, "bytes": self._file.tell()}
        temporary = self.checkpoint.with_name(self.checkpoint.name + ".new")
        with temporary.open("w", encoding="utf-8") as file:
            json.dump(record, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self.checkpoint)

    def finish(self) -> None:
        """Move the partial file to its place."""
        self.partial.replace(self.output)
        self.clean_up()

    def clean_up(self) -> None:
        """Remove the checkpoint, which a kill between the two steps of ``finish`` leaves behind."""
        self.checkpoint.unlink(missing_ok=True)

    def _go_on(self) -> None:
        """Take up the last checkpoint; what the partial file has beyond it is cut off."""
        size = self.partial.stat().st_size
        if not self.checkpoint.is_file():
            if size:
                raise UserError(f"{self.partial}: stands there without its checkpoint; {self._start_anew()}")
            return
        saved = self._read()
        if size < saved["bytes"]:
            raise UserError(f"{self.partial}: is shorter than its checkpoint says; {self._start_anew()}")
        self._file.truncate(saved["bytes"])
        self._file.seek(0, os.SEEK_END)
        self.state = saved["state"]

    def _read(self) -> dict[str, Any]:
        try:
            saved: dict[str, Any] = json.loads(self.checkpoint.read_text(encoding="utf-8"))
            settings, _, _ = saved["settings"], saved["state"], int(saved["bytes"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(f"{self.checkpoint}: is not a checkpoint of ours; {self._start_anew()}") from error
        for name in self.settings:
            old, new = settings.get(name), self.settings[name]
            if old != new:
                raise UserError(
                    f"{self.output}: was begun with {name} {old}, and not {new}; to go on, say the same again; "
                    f"otherwise {self._start_anew()}"
                )
        return saved

    def _start_anew(self) -> str:
        return f"delete {self.partial} and {self.checkpoint} to start anew, or name another output"

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UserError(f"{self.output}: is being written by another process; wait for it or end it") from error
        except OSError:
            # Some network file systems know no locks; then it is for the user not to start two.
            return
