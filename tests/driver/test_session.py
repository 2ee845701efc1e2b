"""The message loop against a scripted server on a socket pair."""

import json
import socket
import threading
from multiprocessing import shared_memory

import numpy as np
import pytest
from ase.units import Bohr, Hartree
from hypothesis import given
from hypothesis import strategies as st

from rfp_md.driver.evaluator import Evaluator
from rfp_md.driver.monitor import Monitor
from rfp_md.driver.protocol import ProtocolError, SocketPayload
from rfp_md.driver.service import serve
from rfp_md.driver.session import ConnectionClosedError, Session
from rfp_md.driver.shared_memory import KINDS, SharedMemoryPayload
from rfp_md.errors import UserError
from rfp_md.frames import Frames
from rfp_md.prediction import Prediction
from tests.driver.server import (
    batch_message,
    header,
    init_message,
    receive,
    receive_batch,
    receive_forces,
    shared_message,
    structure_message,
)

POSITIONS = np.arange(9.0).reshape(3, 3)
CELL = np.array([[20.0, 0, 0], [1, 21, 0], [2, 3, 22]])
TEMPLATE = Frames(np.array([8, 1, 1]), POSITIONS[None] * Bohr, cells=CELL[None] * Bohr, pbc=(True, True, True))


def springs(frames):
    """Harmonic springs to the origin; the energy is marked by the cell."""
    r = frames.positions
    energies = 0.5 * (r**2).sum((1, 2)) + frames.cells[:, 2, 0]
    return Prediction(energies, -r, -r.transpose(0, 2, 1) @ r)


def expected(positions, cell=CELL):
    frames = Frames(TEMPLATE.numbers, positions[None] * Bohr, cells=cell[None] * Bohr, pbc=TEMPLATE.pbc)
    prediction = springs(frames)
    return (
        prediction.energies[0] / Hartree,
        prediction.forces[0] * Bohr / Hartree,
        prediction.virials[0] / Hartree,
    )


class Service:
    """A driver in a thread and the server's ends of its connections."""

    def __init__(self, evaluate=springs, *, connections=1, payload=SocketPayload, patience=10):
        pairs = [socket.socketpair() for _ in range(connections)]
        self.servers = [server for server, _ in pairs]
        for server in self.servers:
            server.settimeout(10)
        self.waiting = [client for _, client in pairs]
        self.opened, self.batches, self.log, self.error = 0, [], [], None
        self.payload, self.evaluate, self.patience = payload, evaluate, patience
        self.monitor = Monitor(3, lambda text: None)
        self.thread = threading.Thread(target=self.run, args=(connections,))
        self.thread.start()

    @property
    def server(self):
        return self.servers[0]

    def open(self, number):
        client = self.waiting[number - 1]
        self.opened = number
        client.settimeout(self.patience)
        return Session(client, self.payload(3))

    def counted(self, frames):
        self.batches.append(len(frames))
        return self.evaluate(frames)

    def run(self, connections):
        try:
            evaluator = Evaluator(TEMPLATE, self.counted)
            serve(self.open, evaluator, self.monitor, self.log.append, connections=connections)
        except (UserError, ProtocolError, ConnectionClosedError, TimeoutError) as error:
            self.error = error
        finally:
            for client in self.waiting:
                client.close()

    def ask(self, message, size=12, server=None):
        server = server or self.server
        server.sendall(message)
        return receive(server, size)

    def end(self, message=b""):
        if message:
            self.server.sendall(message)
        else:
            self.server.close()
        self.thread.join(10)
        assert not self.thread.is_alive()
        self.close()
        return self.error

    def close(self):
        for server in self.servers:
            server.close()
        self.thread.join(10)


@pytest.fixture
def service():
    service = Service()
    yield service
    service.close()


def started(service, text=" ", server=None):
    server = server or service.server
    assert service.ask(header("STATUS"), server=server) == header("NEEDINIT")
    server.sendall(init_message(text))
    assert service.ask(header("STATUS"), server=server) == header("READY")
    return service


def test_consolidated_messages_are_answered_in_atomic_units(service):
    started(service).server.sendall(structure_message(POSITIONS, CELL) + header("GETFORCE"))
    energy, forces, virial, extra = receive_forces(service.server)
    wanted = expected(POSITIONS)
    assert energy == pytest.approx(wanted[0])
    np.testing.assert_allclose(forces, wanted[1])
    np.testing.assert_allclose(virial, wanted[2])
    assert json.loads(extra) == {"mismatch_mev_per_atom": 0.0}
    assert service.ask(header("STATUS")) == header("READY")
    assert service.end(header("EXIT")) is None
    assert service.monitor.evaluations == 1


def test_the_old_order_with_status_between_works_too(service):
    started(service).server.sendall(structure_message(POSITIONS, CELL))
    assert service.ask(header("STATUS")) == header("HAVEDATA")
    service.server.sendall(header("GETFORCE"))
    receive_forces(service.server)
    assert service.ask(header("STATUS")) == header("READY")
    assert service.end(header("EXIT")) is None


@given(cuts=st.lists(st.integers(1, 300), max_size=12), batch=st.integers(1, 3))
def test_messages_may_arrive_in_any_pieces(cuts, batch):
    service = Service()
    try:
        stream = header("STATUS") + init_message(f" a : 1 , b : two , batch_size:{batch}")
        many = np.stack([POSITIONS + k for k in range(batch)])
        stream += structure_message(POSITIONS, CELL) if batch == 1 else batch_message(many, CELL)
        stream += header("GETFORCE") + header("STATUS") + header("EXIT")
        ends = sorted({min(sum(cuts[: k + 1]), len(stream)) for k in range(len(cuts))} | {len(stream)})
        for start, end in zip([0, *ends], ends, strict=False):
            service.server.sendall(stream[start:end])
        assert receive(service.server, 12) == header("NEEDINIT")
        receive_batch(service.server, batch)
        assert receive(service.server, 12) == header("READY")
        service.thread.join(10)
        assert service.error is None
    finally:
        service.close()


def test_init_may_be_repeated(service):
    started(service).server.sendall(init_message(" x : 1 , ") * 2)
    assert service.ask(header("STATUS")) == header("READY")


def test_a_batch_is_evaluated_at_once_and_every_structure_gets_its_own(service):
    many = np.stack([POSITIONS + 0.01 * k for k in range(4)])
    started(service, " , batch_size:4").server.sendall(batch_message(many, CELL) + header("GETFORCE"))
    energies, forces, virials, extras = receive_batch(service.server, 4)
    for k in range(4):
        energy, force, virial = expected(many[k])
        assert energies[k] == pytest.approx(energy)
        np.testing.assert_allclose(forces[k], force)
        np.testing.assert_allclose(virials[k], virial)
        assert "mismatch_mev_per_atom" in json.loads(extras[k])
    assert service.end(header("EXIT")) is None
    assert service.batches == [4]


def test_structures_of_several_connections_are_one_batch():
    service = Service(connections=3)
    try:
        for server in service.servers:
            started(service, server=server)
        assert service.opened == 3
        together = [structure_message(POSITIONS + 0.01 * k, CELL) + header("GETFORCE") for k in range(3)]
        for _ in range(20):
            for server, message in zip(service.servers, together, strict=True):
                server.sendall(message)
            for k, server in enumerate(service.servers):
                assert receive_forces(server)[0] == pytest.approx(expected(POSITIONS + 0.01 * k)[0])
        assert max(service.batches) > 1
        for server in service.servers:
            server.sendall(header("EXIT"))
        service.thread.join(10)
        assert service.error is None
    finally:
        service.close()


def test_requests_that_come_in_one_piece_are_all_answered(service):
    message = structure_message(POSITIONS, CELL) + header("GETFORCE")
    started(service).server.sendall(message * 3)
    for _ in range(3):
        receive_forces(service.server)
    assert service.end(header("EXIT")) is None


def test_a_pool_leaves_a_server_that_never_speaks():
    service = Service(connections=2, patience=0.2)
    try:
        service.thread.join(10)
        assert isinstance(service.error, TimeoutError)
    finally:
        service.close()


def test_the_next_connection_waits_for_the_first_status():
    service = Service(connections=2)
    try:
        service.thread.join(0.3)
        assert service.opened == 1
        assert service.ask(header("STATUS")) == header("NEEDINIT")
        assert service.ask(header("STATUS"), server=service.servers[1]) == header("NEEDINIT")
    finally:
        service.close()


def test_numbers_may_travel_through_shared_memory():
    shapes = {"pos": (2, 3, 3), "h": (2, 3, 3), "ih": (2, 3, 3), "pot": (2,), "force": (2, 3, 3), "vir": (2, 3, 3)}
    segments = {kind: shared_memory.SharedMemory(create=True, size=8 * int(np.prod(shapes[kind]))) for kind in KINDS}
    arrays = {kind: np.ndarray(shapes[kind], buffer=segments[kind].buf) for kind in KINDS}
    service = Service(payload=SharedMemoryPayload)
    try:
        started(service, " , batch_size:2")
        for turn in range(3):
            arrays["pos"][:] = np.stack([POSITIONS + turn, POSITIONS - turn])
            arrays["h"][:] = CELL.T
            names = [segments[kind].name for kind in KINDS] if turn == 0 else []
            service.server.sendall(shared_message(3, names) + header("GETFORCE"))
            assert receive(service.server, 12) == header("FORCEREADY")
            for _ in range(2):
                receive(service.server, int.from_bytes(receive(service.server, 4), "little"))
            for k, sign in enumerate((1, -1)):
                energy, force, virial = expected(POSITIONS + sign * turn)
                assert arrays["pot"][k] == pytest.approx(energy)
                np.testing.assert_allclose(arrays["force"][k], force)
                np.testing.assert_allclose(arrays["vir"][k], virial)
        assert service.end(header("EXIT")) is None
    finally:
        service.close()
        arrays.clear()
        for segment in segments.values():
            segment.close()
            segment.unlink()


def test_copies_that_fill_a_batch_up_are_evaluated_once():
    service = started(Service(), " , batch_size:5")
    try:
        for turn in range(3):
            structures = np.stack([POSITIONS, POSITIONS + 0.01 * (turn + 1), *[POSITIONS + 0.1] * 3])
            service.server.sendall(batch_message(structures, CELL) + header("GETFORCE"))
            energies, forces, _, extras = receive_batch(service.server, 5)
            for k, positions in enumerate(structures):
                np.testing.assert_allclose(forces[k], expected(positions)[1])
                assert energies[k] == pytest.approx(expected(positions)[0])
            assert len(extras) == 5
        assert service.end(header("EXIT")) is None
        assert service.batches == [3, 3, 3]
        assert service.monitor.evaluations == 9
    finally:
        service.close()


def test_beads_that_part_are_no_jumps():
    service = started(Service(), " , batch_size:4")
    told = []
    service.monitor._log = told.append
    try:
        for turn in range(4):
            structures = POSITIONS + 0.01 * turn * np.arange(4)[:, None, None]
            service.server.sendall(batch_message(structures, CELL) + header("GETFORCE"))
            receive_batch(service.server, 4)
        assert service.end(header("EXIT")) is None
        assert service.batches == [1, 4, 4, 4]
        assert told == []
    finally:
        service.close()


def test_shared_memory_that_is_not_there_is_named():
    service = started(Service(payload=SharedMemoryPayload))
    error = service.end(shared_message(3, [f"rfp_none_{kind}" for kind in KINDS]))
    assert "shared memory 'rfp_none_pos', which is not there" in str(error)


@pytest.mark.parametrize(
    "message",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        header("GETFORCE"),
        b"\xff" * 12,
        header("INIT") + b"\xff" * 8,
        header("POSDATA") + b"\xff" * 148,
        init_message(" batch_size:many"),
        init_message(" batch_size:0"),
        init_message(" batch_size:99999999999"),
    ],
)
def test_garbage_is_refused(service, message):
    assert isinstance(service.end(message), ProtocolError)


@pytest.mark.parametrize("message", [b"", header("STATUS")[:5], structure_message(POSITIONS, CELL)[:100]])
def test_a_server_that_goes_away_is_noticed(service, message):
    service.server.sendall(message)
    assert isinstance(service.end(), ConnectionClosedError)


@pytest.mark.parametrize("place", ["energies", "forces", "virials"])
def test_a_result_that_is_not_finite_is_never_sent(place):
    def broken(frames):
        parts = vars(springs(frames))
        return Prediction(**(parts | {place: parts[place] * np.nan}))

    service = started(Service(broken))
    service.server.sendall(structure_message(POSITIONS, CELL) + header("GETFORCE"))
    with pytest.raises(ConnectionError):
        receive(service.server, 1)
    assert "not finite" in str(service.end())


def test_another_number_of_atoms_is_refused_with_both_numbers(service):
    error = started(service).end(structure_message(np.zeros((5, 3)), CELL))
    assert "the server sends 5 atoms, but the model has 3" in str(error)
