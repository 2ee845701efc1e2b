"""The message loop against a scripted server on a socket pair."""

import socket
import threading

import numpy as np
import pytest
from ase.units import Bohr, Hartree
from hypothesis import given
from hypothesis import strategies as st

from rfp_md.driver.protocol import Connection, ConnectionClosedError, ProtocolError
from rfp_md.driver.session import Counts, evaluator, serve
from rfp_md.errors import UserError
from tests.driver.server import header, init_message, receive, receive_forces, structure_message

POSITIONS = np.arange(9.0).reshape(3, 3)
CELL = np.array([[20.0, 0, 0], [1, 21, 0], [2, 3, 22]])


def springs(cell, positions):
    """Harmonic springs to the origin; the energy is marked by the cell."""
    return 0.5 * (positions**2).sum() + cell[2, 0], -positions, -positions.T @ positions


class Session:
    """A driver in a thread and the server's end of its connection."""

    def __init__(self, evaluate=springs):
        self.server, client = socket.socketpair()
        self.server.settimeout(10)
        self.counts, self.error = Counts(), None
        self.thread = threading.Thread(target=self.run, args=(client, evaluate))
        self.thread.start()

    def run(self, client, evaluate):
        with client:
            try:
                serve(Connection(client), evaluate, self.counts)
            except (UserError, ProtocolError, ConnectionClosedError) as error:
                self.error = error

    def ask(self, message, size=12):
        self.server.sendall(message)
        return receive(self.server, size)

    def end(self, message=b""):
        if message:
            self.server.sendall(message)
        else:
            self.server.close()
        self.thread.join(10)
        assert not self.thread.is_alive()
        self.server.close()
        return self.error


@pytest.fixture
def session():
    session = Session()
    yield session
    session.server.close()
    session.thread.join(10)


def started(session):
    assert session.ask(header("STATUS")) == header("NEEDINIT")
    session.server.sendall(init_message())
    assert session.ask(header("STATUS")) == header("READY")
    return session


def test_consolidated_messages_are_answered_in_atomic_units(session):
    started(session).server.sendall(structure_message(POSITIONS, CELL) + header("GETFORCE"))
    energy, forces, virial, extra = receive_forces(session.server)
    expected = springs(CELL * Bohr, POSITIONS * Bohr)
    assert energy == pytest.approx(expected[0] / Hartree)
    np.testing.assert_allclose(forces, expected[1] * Bohr / Hartree)
    np.testing.assert_allclose(virial, expected[2] / Hartree)
    assert extra == ""
    assert session.ask(header("STATUS")) == header("READY")
    assert session.end(header("EXIT")) is None
    assert session.counts.evaluations == 1


def test_the_old_order_with_status_between_works_too(session):
    started(session).server.sendall(structure_message(POSITIONS, CELL))
    assert session.ask(header("STATUS")) == header("HAVEDATA")
    session.server.sendall(header("GETFORCE"))
    receive_forces(session.server)
    assert session.ask(header("STATUS")) == header("READY")
    assert session.end(header("EXIT")) is None


@given(cuts=st.lists(st.integers(1, 300), max_size=12))
def test_messages_may_arrive_in_any_pieces(cuts):
    session = Session()
    try:
        stream = header("STATUS") + init_message(" a : 1 , b : two ") + structure_message(POSITIONS, CELL)
        stream += header("GETFORCE") + header("STATUS") + header("EXIT")
        ends = sorted({min(sum(cuts[: k + 1]), len(stream)) for k in range(len(cuts))} | {len(stream)})
        for start, end in zip([0, *ends], ends, strict=False):
            session.server.sendall(stream[start:end])
        assert receive(session.server, 12) == header("NEEDINIT")
        receive_forces(session.server)
        assert receive(session.server, 12) == header("READY")
        session.thread.join(10)
        assert session.error is None
    finally:
        session.server.close()


def test_init_may_be_repeated(session):
    started(session).server.sendall(init_message(" x : 1 , ") * 2)
    assert session.ask(header("STATUS")) == header("READY")


def test_batches_are_refused_in_words(session):
    started(session)
    error = session.end(init_message(" , batch_size:32"))
    assert isinstance(error, UserError)
    assert "batches of 32 structures" in str(error)


@pytest.mark.parametrize(
    "message",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        header("GETFORCE"),
        b"\xff" * 12,
        header("INIT") + b"\xff" * 8,
        header("POSDATA") + b"\xff" * 148,
    ],
)
def test_garbage_is_refused(session, message):
    assert isinstance(session.end(message), ProtocolError)


@pytest.mark.parametrize("message", [b"", header("STATUS")[:5], structure_message(POSITIONS, CELL)[:100]])
def test_a_server_that_goes_away_is_noticed(session, message):
    session.server.sendall(message)
    assert isinstance(session.end(), ConnectionClosedError)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_result_that_is_not_finite_is_never_sent(place):
    def broken(cell, positions):
        result = list(springs(cell, positions))
        result[place] = result[place] * np.nan
        return tuple(result)

    session = started(Session(broken))
    session.server.sendall(structure_message(POSITIONS, CELL) + header("GETFORCE"))
    with pytest.raises(ConnectionError):
        receive(session.server, 1)
    assert "not finite" in str(session.end())


def test_another_number_of_atoms_is_refused_with_both_numbers(potential):
    with pytest.raises(UserError, match="the server sends 3 atoms, but the model has 9"):
        evaluator(potential, potential.reference)(np.zeros((3, 3)), POSITIONS)


def test_the_evaluator_gives_what_the_potential_gives(potential):
    reference = potential.reference
    expected = potential.compute(reference)
    energy, forces, virial = evaluator(potential, reference)(np.zeros((3, 3)), reference.positions[0])
    assert energy == expected.energies[0]
    np.testing.assert_array_equal(forces, expected.forces[0])
    np.testing.assert_array_equal(virial, expected.virials[0])
