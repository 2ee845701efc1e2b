"""How connections end: wrong counts, halves of messages, servers that go away, and what a pool makes of it."""

import contextlib
import os
import socket
import time

import numpy as np
import pytest

from rfp_md.driver.protocol import ProtocolError, Results, SocketPayload
from rfp_md.driver.session import ConnectionClosedError, Session
from rfp_md.driver.shared_memory import SharedMemoryPayload
from rfp_md.errors import UserError
from tests.driver.server import (
    batch_message,
    header,
    init_message,
    receive,
    receive_forces,
    shared_message,
    structure_message,
)
from tests.driver.test_session import CELL, POSITIONS, Service, springs, started

PATIENCE = 0.5  # s, of the driver with a server that is silent in the middle of a message
QUESTION = structure_message(POSITIONS, CELL) + header("GETFORCE")


@pytest.fixture
def pool():
    """Two connections that have said their STATUS, and a server that may be silent for half a second in a message."""
    service = Service(connections=2, patience=PATIENCE)
    for server in service.servers:
        started(service, server=server)
    yield service
    service.close()


def ended(service):
    service.thread.join(10)
    assert not service.thread.is_alive()
    return service.error


def claiming(atoms, start):
    """The start of a structure of so many atoms, none of which ever comes."""
    return start + atoms.to_bytes(4, "little")


@pytest.mark.parametrize(
    ("payload", "text", "start"),
    [
        (SocketPayload, " ", header("POSDATA") + bytes(144)),
        (SocketPayload, " batch_size:4", header("POSDATA")),
        (SharedMemoryPayload, " ", header("POSDATA")),
    ],
)
def test_positions_of_a_wrong_number_of_atoms_are_not_waited_for(payload, text, start):
    service = started(Service(payload=payload), text)
    error = service.end(claiming(5, start))
    assert isinstance(error, UserError)
    assert "the server sends 5 atoms, but the model has 3" in str(error)
    service = started(Service(payload=payload), text)
    error = service.end(claiming(2_000_000_000, start))
    assert isinstance(error, ProtocolError)
    assert str(error) == "a structure of 2000000000 atoms for a model of 3"


@pytest.mark.parametrize("half", [header("STATUS")[:5], init_message(" a : 1 ")[:25], QUESTION[:100], QUESTION[:-3]])
@pytest.mark.parametrize("connections", [1, 2])
def test_half_a_message_is_not_waited_for_for_ever(half, connections):
    service = Service(patience=PATIENCE, connections=connections)
    for server in service.servers:
        started(service, server=server)
    for server in service.servers:
        server.sendall(half)
    error = ended(service)
    assert isinstance(error, TimeoutError)
    assert "stopped in the middle of a message and said nothing more in 0.5 s" in str(error)
    service.close()


def test_between_messages_a_server_may_take_its_time():
    service = started(Service(patience=0.2))
    for _ in range(2):
        service.server.sendall(QUESTION[:100])
        time.sleep(0.05)
        service.server.sendall(QUESTION[100:])
        receive_forces(service.server)
        time.sleep(0.5)
    assert service.end(header("EXIT")) is None


def session_with(*messages, close):
    """A session whose server said this before anything was read, and went away or not."""
    client, server = socket.socketpair()
    session = Session(client, SocketPayload(3))
    server.sendall(b"".join(messages))
    if close:
        server.close()
    return session, server


def test_exit_behind_a_status_that_nobody_waits_for_is_a_good_end():
    session, _ = session_with(header("STATUS"), header("EXIT"), close=True)
    session.receive()
    assert session.finished
    session.close()


@pytest.mark.parametrize("last", [b"", header("EXIT"), header("STATUS") + header("EXIT"), header("STATUS")])
def test_exit_that_came_during_an_evaluation_is_a_good_end(last):
    session, server = session_with(QUESTION, close=False)
    session.receive()
    server.sendall(last)
    server.close()
    results = Results(np.zeros(1), np.zeros((1, 3, 3)), np.zeros((1, 3, 3)), [""])
    if last.endswith(header("EXIT")):
        session.answer(results)
        assert session.finished
    else:
        with pytest.raises(ConnectionClosedError):
            session.answer(results)
    session.close()


def test_positions_that_are_not_finite_are_the_server_s_fault():
    service = started(Service())
    error = service.end(structure_message(POSITIONS * np.nan, CELL))
    assert "the server sent a position or a cell that is not finite" in str(error)
    assert "remove that frame" not in str(error)


def test_a_cell_without_a_volume_is_the_server_s_fault():
    service = started(Service())
    message = structure_message(POSITIONS, CELL)
    error = service.end(message[:12] + bytes(144) + message[156:])
    assert "the server's cell has no volume" in str(error)


def test_a_question_before_its_structure_is_named():
    assert str(started(Service()).end(header("GETFORCE"))) == "GETFORCE before POSDATA"


NOT_FINITE = structure_message(np.full((3, 3), np.nan), CELL) + header("GETFORCE")


@pytest.mark.parametrize(
    ("junk", "reason"),
    [
        (header("GETFORCE"), "does not speak the i-PI protocol: it sent GETFORCE before POSDATA"),
        (b"HTTP/1.1 400", "does not speak the i-PI protocol: it sent the header 'HTTP/1.1 400'"),
        (init_message(" batch_size:x"), "does not speak the i-PI protocol: it sent the batch size 'x'"),
        (claiming(5, header("POSDATA") + bytes(144)), "was closed: the server sends 5 atoms"),
        (NOT_FINITE, "was closed: the server sent a position or a cell that is not finite"),
    ],
)
def test_a_connection_that_sends_junk_leaves_the_others_served(pool, junk, reason):
    bad, good = pool.servers
    good.sendall(QUESTION[:100])
    bad.sendall(junk)
    good.sendall(QUESTION[100:])
    receive_forces(good)
    good.sendall(QUESTION)
    receive_forces(good)
    good.sendall(header("EXIT"))
    assert ended(pool) is None
    assert any(line.startswith(f"a connection {reason}") for line in pool.log), pool.log


def test_the_last_connection_decides_how_a_pool_ends(pool):
    for server in pool.servers:
        server.sendall(b"HTTP/1.1 400")
    assert isinstance(ended(pool), ProtocolError)


def flood(server, message):
    """Send until nobody takes it any more."""
    with contextlib.suppress(OSError):
        while True:
            server.sendall(message)


def test_a_server_that_asks_and_reads_nothing_is_not_waited_for():
    service = started(Service(patience=PATIENCE))
    flood(service.server, header("STATUS") * 1000)
    service.thread.join(10)
    assert "did not read what it asked for" in str(service.error)
    service.close()


def test_what_floods_in_after_exit_is_not_read_for_ever():
    service = started(Service(patience=PATIENCE))
    service.server.sendall(header("EXIT"))
    flood(service.server, bytes(65536))
    service.thread.join(10)
    assert not service.thread.is_alive()
    assert service.error is None
    service.close()


@pytest.mark.parametrize("asked", [b"", QUESTION, QUESTION[:100]])
def test_a_lost_connection_leaves_the_others_served(pool, asked):
    lost, kept = pool.servers
    lost.sendall(asked)
    lost.close()
    for _ in range(3):
        kept.sendall(QUESTION)
        receive_forces(kept)
    kept.sendall(header("EXIT"))
    assert ended(pool) is None
    assert pool.log == ["a connection was closed without EXIT; going on with 1"]


def test_half_a_message_on_one_connection_leaves_the_others_served(pool):
    stuck, kept = pool.servers
    stuck.sendall(QUESTION[:100])
    for _ in range(10):
        time.sleep(0.1)
        kept.sendall(QUESTION)
        receive_forces(kept)
    kept.sendall(header("EXIT"))
    assert ended(pool) is None
    assert pool.log == [
        "a connection stopped in the middle of a message and said nothing more in 0.5 s; going on with 1"
    ]


def test_a_pool_that_lost_every_connection_says_so(pool):
    for server in pool.servers:
        server.close()
    assert isinstance(ended(pool), ConnectionClosedError)
    assert len(pool.log) == 1


def test_a_pool_ends_well_where_its_last_connection_said_exit(pool):
    for server in pool.servers:
        server.sendall(QUESTION + header("EXIT"))
        receive_forces(server)
        server.close()
    assert ended(pool) is None
    assert pool.log == []


def test_a_further_connection_that_cannot_be_made_is_one_line():
    class Refused(Service):
        def open(self, number):
            if number == 3:
                raise ConnectionRefusedError(111, "Connection refused")
            return super().open(number)

    service = Refused(connections=4)
    for server in service.servers[:2]:
        started(service, server=server)
    for server in service.servers[:2]:
        server.sendall(QUESTION)
        receive_forces(server)
    for server in service.servers[:2]:
        server.sendall(header("EXIT"))
    assert ended(service) is None
    assert service.log == ["connection 3 of 4 could not be made (Connection refused); going on with 2"]
    service.close()


def test_a_further_connection_that_is_never_greeted_is_left():
    service = Service(connections=3, patience=PATIENCE)
    started(service)
    for _ in range(10):
        time.sleep(0.1)
        service.server.sendall(QUESTION)
        receive_forces(service.server)
    service.server.sendall(header("EXIT"))
    assert ended(service) is None
    assert service.log == ["a connection said nothing in 0.5 s; going on with 1"]
    assert service.opened == 2
    service.close()


def test_a_long_evaluation_is_not_the_silence_of_a_server():
    def slow(frames):
        time.sleep(1.0)
        return springs(frames)

    service = Service(slow, connections=2, patience=PATIENCE)
    started(service)
    service.server.sendall(QUESTION)
    receive_forces(service.server)
    started(service, server=service.servers[1])
    for server in service.servers:
        server.sendall(header("EXIT"))
    assert ended(service) is None
    assert service.log == []
    service.close()


def test_batches_of_a_pool_are_told_apart(pool):
    """Structures of several sizes of batch in one evaluation."""
    one, two = pool.servers
    two.sendall(init_message(" batch_size:2"))
    two.sendall(batch_message(np.stack([POSITIONS, POSITIONS + 0.1]), CELL) + header("GETFORCE"))
    one.sendall(QUESTION)
    receive_forces(one)
    assert receive(two, 12) == header("FORCEREADY")
    for server in pool.servers:
        server.sendall(header("EXIT"))
    assert ended(pool) is None


def test_shared_memory_is_of_one_batch_size():
    from multiprocessing import shared_memory

    segments = [shared_memory.SharedMemory(create=True, size=8 * 27) for _ in range(6)]
    service = started(Service(payload=SharedMemoryPayload))
    try:
        np.ndarray((3, 3), buffer=segments[1].buf)[:] = CELL.T
        service.server.sendall(shared_message(3, [segment.name for segment in segments]))
        assert service.ask(header("STATUS")) == header("HAVEDATA")
        error = service.end(header("GETFORCE") + init_message(" batch_size:2") + shared_message(3, []))
        assert str(error) == "a batch of 2 structures through shared memory for 1"
    finally:
        service.close()
        for segment in segments:
            segment.close()
            segment.unlink()


@pytest.mark.parametrize("lost", [0, 1, 4])
def test_shared_memory_that_its_server_truncates_ends_the_session_only(lost):
    from multiprocessing import shared_memory

    segments = [shared_memory.SharedMemory(create=True, size=8 * 9) for _ in range(6)]
    service = started(Service(payload=SharedMemoryPayload))
    try:
        np.ndarray((3, 3), buffer=segments[1].buf)[:] = CELL.T
        service.server.sendall(shared_message(3, [segment.name for segment in segments]))
        assert service.ask(header("STATUS")) == header("HAVEDATA")
        service.ask(header("GETFORCE"), size=12)
        os.truncate(f"/dev/shm/{segments[lost].name}", 0)
        error = service.end(shared_message(3, []) + header("GETFORCE"))
        assert isinstance(error, ProtocolError)
        assert str(error).endswith("of 0 bytes, too few for its structures")
    finally:
        service.close()
        for segment in segments:
            segment.close()
            segment.unlink()


@pytest.mark.parametrize("name", ["no_such_segment", "../../etc/passwd", "a\0b", "x" * 5000, "."])
def test_a_name_that_is_no_segment_is_refused(name):
    service = started(Service(payload=SharedMemoryPayload))
    error = service.end(shared_message(3, [name] * 6))
    assert isinstance(error, ProtocolError)
    assert "shared memory" in str(error)
