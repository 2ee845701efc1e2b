"""Serve one connection or several: wait, evaluate together what has come, answer."""

from __future__ import annotations

import selectors
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from rfp_md.arrays import Ints
from rfp_md.driver.evaluator import Evaluator, atomic_units
from rfp_md.driver.extras import extras_of
from rfp_md.driver.monitor import LimitError, Monitor
from rfp_md.driver.protocol import ProtocolError, Results, Structures
from rfp_md.driver.session import ConnectionClosedError, Session
from rfp_md.errors import UserError

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
    together, again = _without_copies(asked)
    frames = evaluator.frames(together)
    monitor.check_distances(frames)
    prediction, committee = evaluator.evaluate(frames)
    if committee is not None:
        monitor.check_uncertainty(frames, committee)
    figures = monitor.observe(frames, prediction)
    results = atomic_units(prediction, extras_of(figures, committee))
    if again is None:
        return [results]
    return [_taken(results, places) for places in again]


def _without_copies(asked: list[Structures]) -> tuple[Structures, list[Ints] | None]:
    """All structures that are to be evaluated, and which of them are those of each session; None: just these.

    i-PI fills a batch up with copies of its last structure.
    """
    if len(asked) == 1 and len(asked[0].positions) == 1:
        return asked[0], None
    kept, again, start = [], [], 0
    for one in asked:
        size = len(one.positions)
        same = (one.positions == one.positions[-1]).all(axis=(1, 2)) & (one.cells == one.cells[-1]).all(axis=(1, 2))
        different = np.flatnonzero(~same)
        distinct = min(size, different[-1] + 2) if len(different) else 1
        kept.append(Structures(one.cells[:distinct], one.positions[:distinct]))
        again.append(start + np.minimum(np.arange(size), distinct - 1))
        start += distinct
    return Structures(np.concatenate([k.cells for k in kept]), np.concatenate([k.positions for k in kept])), again


def _taken(results: Results, places: Ints) -> Results:
    return Results(
        results.energies[places],
        results.forces[places],
        results.virials[places],
        [results.extras[place] for place in places],
    )


class Connections:
    """Several connections to one server.

    The next connection is made when the last one had its first STATUS answered: a server that accepts one client at a
    time would wait for ever otherwise. One that is lost, or sends what cannot be served, leaves; the last one to leave
    decides how it ends.

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
                    self._answer(waiting, evaluator, monitor)
        finally:
            for session in self._sessions:
                session.close()
            self._selector.close()
        if self._lost is not None:
            raise self._lost

    def _answer(self, waiting: list[tuple[Session, Structures]], evaluator: Evaluator, monitor: Monitor) -> None:
        """Evaluate what waits as one batch; where something of it is refused, each alone, so that one session leaves.

        Raises:
            LimitError: a limit of the user's, which ends all of them.
        """
        try:
            results = evaluate_batch([structures for _, structures in waiting], evaluator, monitor)
        except LimitError:
            raise
        except UserError as error:
            if len(waiting) == 1:
                self._leave(waiting[0][0], error)
                return
            for one in waiting:
                self._answer([one], evaluator, monitor)
            return
        for (session, _), part in zip(waiting, results, strict=True):
            self._let(session, partial(session.answer, part))

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
        except (ConnectionClosedError, ProtocolError, UserError, TimeoutError) as error:
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
            self._log(f"a connection {_reason(lost)}; going on with {len(self._sessions)}")


def _reason(lost: Exception) -> str:
    """What became of a connection, as a predicate."""
    if isinstance(lost, ConnectionClosedError):
        return "was closed without EXIT"
    if isinstance(lost, ProtocolError):
        return f"does not speak the i-PI protocol: it sent {lost}"
    return str(lost) if isinstance(lost, TimeoutError) else f"was closed: {lost}"
