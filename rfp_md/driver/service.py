"""Serve one connection or several: wait, evaluate together what has come, answer."""

from __future__ import annotations

import selectors
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from rfp_md.driver.evaluator import Evaluator, atomic_units
from rfp_md.driver.extras import extras_of
from rfp_md.driver.monitor import Monitor
from rfp_md.driver.protocol import Results, Structures
from rfp_md.driver.session import ConnectionClosedError, Session

Open = Callable[[int], Session]
Log = Callable[[str], None]


def serve(open_session: Open, evaluator: Evaluator, monitor: Monitor, log: Log, *, connections: int = 1) -> None:
    """Answer one server until it says EXIT on every connection.

    Args:
        open_session: makes the connection of this number, from 1 on. OSError from a later one than the first is no
            error: the others go on.
        log: is told one line where a connection is missing.
        connections: how many; structures that wait in several of them are evaluated as one batch.

    Raises:
        ConnectionClosedError: the server went away without EXIT.
        ProtocolError: a message that does not belong here.
        TimeoutError: a server that says nothing, or stops in the middle of a message.
        UserError: a structure that the model or the monitor refuses, or a result that is not finite; nothing is sent.
    """
    if connections > 1:
        Connections(open_session, log, connections).serve(evaluator, monitor)
        return
    session = open_session(1)
    try:
        while not session.finished:
            session.receive()
            while session.structures is not None:
                session.answer(evaluate_batch([session.structures], evaluator, monitor)[0])
    finally:
        session.close()


def evaluate_batch(asked: list[Structures], evaluator: Evaluator, monitor: Monitor) -> list[Results]:
    """Compute the results for the structures of several sessions, as one batch."""
    together = asked[0]
    if len(asked) > 1:
        together = Structures(
            *(np.concatenate(parts) for parts in zip(*(vars(s).values() for s in asked), strict=True))
        )
    frames = evaluator.frames(together)
    monitor.check_distances(frames)
    prediction, committee = evaluator.evaluate(frames)
    if committee is not None:
        monitor.check_uncertainty(frames, committee)
    figures = monitor.observe(frames, prediction)
    results = atomic_units(prediction, extras_of(figures, committee))
    if len(asked) == 1:
        return [results]
    sizes = [len(structures.positions) for structures in asked]
    ends = np.cumsum(sizes)
    return [
        Results(*(array[end - size : end] for array in vars(results).values()))
        for end, size in zip(ends, sizes, strict=True)
    ]


class Connections:
    """Several connections to one server.

    The next connection is made when the last one had its first STATUS answered: a server that accepts one client at a
    time would wait for ever otherwise. One that is lost leaves; the last one to leave decides how it ends.

    Args:
        open_session, log: as in ``serve``.
        wanted: how many connections.
    """

    def __init__(self, open_session: Open, log: Log, wanted: int) -> None:
        self._open, self._log, self._wanted = open_session, log, wanted
        self._sessions: list[Session] = []
        self._opened = 0
        self._selector = selectors.DefaultSelector()
        self._lost: Exception | None = None  # of the connection that was the last to leave

    def serve(self, evaluator: Evaluator, monitor: Monitor) -> None:
        """Answer until every connection is gone; raises as the function ``serve``."""
        try:
            self._add()
            while self._sessions:
                self._wait()
                if self._opened < self._wanted and all(session.greeted for session in self._sessions):
                    self._add()
                while waiting := [(s, s.structures) for s in self._sessions if s.structures is not None]:
                    results = evaluate_batch([structures for _, structures in waiting], evaluator, monitor)
                    for (session, _), part in zip(waiting, results, strict=True):
                        self._let(session, partial(session.answer, part))
        finally:
            for session in self._sessions:
                session.close()
            self._selector.close()
        if self._lost is not None:
            raise self._lost

    def _add(self) -> None:
        """Make one more connection; where that fails for another than the first, stop making more."""
        try:
            session = self._open(self._opened + 1)
        except OSError as error:
            if not self._sessions:
                raise
            self._log(
                f"connection {self._opened + 1} of {self._wanted} could not be made ({error.strerror or error}); "
                f"going on with {len(self._sessions)}"
            )
            self._wanted = self._opened
            return
        self._opened += 1
        self._sessions.append(session)
        self._selector.register(session.socket, selectors.EVENT_READ, session)

    def _wait(self) -> None:
        """Wait until something comes, and let every session take what it has."""
        # What counts as a server's silence is only the time spent here, not that of an evaluation.
        limits = [s.patience - s.waited for s in self._sessions if s.patience is not None]
        start = time.monotonic()
        ready: list[Any] = self._selector.select(max(0.0, min(limits)) if limits else None)
        waited = time.monotonic() - start
        for session in self._sessions:
            session.waited += waited
        while ready:  # whatever else has come in the meantime joins the batch
            for key, _ in ready:
                self._let(key.data, key.data.receive)
            ready = self._selector.select(0)
        for session in self._sessions.copy():
            if session.patience is not None and session.waited >= session.patience:
                self._leave(session, session.silence())

    def _let(self, session: Session, act: Callable[[], None]) -> None:
        """Let a session do something, after which it may leave."""
        try:
            act()
        except ConnectionClosedError as error:
            self._leave(session, error)
        else:
            if session.finished:
                self._leave(session, None)

    def _leave(self, session: Session, lost: Exception | None) -> None:
        self._selector.unregister(session.socket)
        self._sessions.remove(session)
        session.close()
        self._lost = lost
        self._wanted = self._opened  # a server that gives up connections does not wait for more of them
        if lost is not None and self._sessions:
            reason = "was closed without EXIT" if isinstance(lost, ConnectionClosedError) else str(lost)
            self._log(f"a connection {reason}; going on with {len(self._sessions)}")
