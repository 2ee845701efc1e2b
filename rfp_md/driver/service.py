"""Serve one connection or several: wait, evaluate together what has come, answer."""

from __future__ import annotations

import selectors
from collections.abc import Callable
from typing import Any

import numpy as np

from rfp_md.driver.evaluator import Evaluator, atomic_units
from rfp_md.driver.monitor import Monitor
from rfp_md.driver.protocol import Results, Structures
from rfp_md.driver.session import Session


def serve(open_session: Callable[[], Session], evaluator: Evaluator, monitor: Monitor, *, connections: int = 1) -> None:
    """Answer until the server says EXIT on every connection.

    Args:
        open_session: connects once more. The next connection is made when the last one had its first STATUS
            answered: a server that accepts one client at a time would wait for ever otherwise.
        connections: how many; structures that wait in several of them are evaluated as one batch.

    Raises:
        ConnectionClosedError: the server went away without EXIT.
        ProtocolError: a message that does not belong here.
        TimeoutError: a server that says nothing.
        UserError: a structure that the model or the monitor refuses, or a result that is not finite; nothing is sent.
    """
    first = open_session()
    try:
        if connections == 1:
            while not first.finished:
                first.receive()
                while first.structures is not None:
                    answer([first], evaluator, monitor)
        else:
            _serve_many(first, open_session, evaluator, monitor, connections)
    finally:
        first.close()


def answer(waiting: list[Session], evaluator: Evaluator, monitor: Monitor) -> None:
    """Evaluate the structures of all these sessions at once, and give each session its part."""
    asked = [session.structures for session in waiting if session.structures is not None]
    for structures in asked:
        evaluator.check(structures)
    if len(asked) == 1:
        together = asked[0]
    else:
        together = Structures(
            *(np.concatenate(parts) for parts in zip(*(vars(s).values() for s in asked), strict=True))
        )
    frames = evaluator.frames(together)
    monitor.check_distances(frames)
    prediction = evaluator(frames)
    figures = monitor.observe(frames, prediction)
    results = atomic_units(prediction, [f'{{"mismatch_mev_per_atom": {figure:.6g}}}' for figure in figures])
    start = 0
    for session, structures in zip(waiting, asked, strict=True):
        part = slice(start, start := start + len(structures.positions))
        session.answer(results if len(waiting) == 1 else Results(*(array[part] for array in vars(results).values())))


def _serve_many(
    first: Session, open_session: Callable[[], Session], evaluator: Evaluator, monitor: Monitor, wanted: int
) -> None:
    sessions, opened = [first], 1
    with selectors.DefaultSelector() as selector:
        selector.register(first.socket, selectors.EVENT_READ, first)
        try:
            while sessions:
                # A server that speaks may take its time; one that never spoke is left after the socket's timeout.
                silent = [session.socket.gettimeout() for session in sessions if not session.heard]
                ready: list[Any] = selector.select(max(silent, key=lambda s: s or 0.0) if silent else None)
                if not ready:
                    raise TimeoutError
                while ready:  # whatever else has come in the meantime joins the batch
                    for key, _ in ready:
                        _receive(key.data, sessions, selector)
                    ready = selector.select(0)
                if opened < wanted and all(session.greeted for session in sessions):
                    sessions.append(open_session())
                    opened += 1
                    selector.register(sessions[-1].socket, selectors.EVENT_READ, sessions[-1])
                while waiting := [session for session in sessions if session.structures is not None]:
                    answer(waiting, evaluator, monitor)
        finally:
            for session in sessions:
                session.close()


def _receive(session: Session, sessions: list[Session], selector: selectors.BaseSelector) -> None:
    """Let a session take what it has; one that is finished leaves."""
    session.receive()
    if session.finished:
        selector.unregister(session.socket)
        sessions.remove(session)
        session.close()
