"""SIGTERM and SIGINT: what is open is closed in good order, and a native call that listens to nobody is ended too.

Python runs a handler between two of its instructions, which a search for neighbours or a factorisation may keep it from
for hours. The interpreter writes each signal into a pipe at once, though, and a thread that reads it sees whether the
handler came to its turn.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from functools import cache
from types import FrameType

GRACE = 2.0  # s, for the handler to come to its turn; no single step of a run takes so long, a fit's may

_heard = threading.Event()


def handle(number: signal.Signals, act: Callable[[int], object]) -> None:
    """Let a signal do something, in the main thread between two instructions."""

    def handler(received: int, frame: FrameType | None) -> None:
        _heard.set()
        act(received)

    signal.signal(number, handler)


@cache
def end_native_calls(program: str) -> None:
    """From now on end the process where SIGTERM is not heard in time; what the system keeps for it is freed."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    threading.Thread(target=_watch, args=(reader, program), daemon=True).start()


def _watch(reader: int, program: str) -> None:
    while received := os.read(reader, 1):
        if received[0] == signal.SIGTERM and not _heard.wait(GRACE):
            os.write(sys.__stderr__.fileno(), f"{program}: ended by SIGTERM inside a native call\n".encode())  # type: ignore[union-attr]
            os._exit(128 + signal.SIGTERM)
