"""The driver's own share of an evaluation: CPU time of the serving process beyond the model.

    python -m tests.benchmarks.driver

A server in this process sends consolidated POSDATA + GETFORCE and STATUS, as i-PI 3.3 does, over a unix
socket pair to a child that serves. Rows: a child that only echoes bytes (the floor), i-PI's own Python driver
(i-pi-py_driver's loop with its dummy potential), and rfp-driver with the symmetrised ethanol model, whose time
inside `Potential.compute` is taken off. CPU time of the serving thread. Then batches: the model's time for 32
structures one by one and at once, and the driver's share of a batch. Prints Markdown.
"""

from __future__ import annotations

import gc
import importlib.machinery
import importlib.util
import multiprocessing
import shutil
import socket
import statistics
import time
from pathlib import Path

import numpy as np
from ase.units import Bohr

import rfp_md
from rfp_md.driver.evaluator import Evaluator
from rfp_md.driver.monitor import Monitor
from rfp_md.driver.protocol import READY, Results, SocketPayload
from rfp_md.driver.service import serve
from rfp_md.driver.session import Session
from rfp_md.prediction import Prediction
from tests.benchmarks.clock import Clocked
from tests.driver.server import (
    batch_message,
    header,
    init_message,
    receive,
    receive_batch,
    receive_forces,
    structure_message,
)

DATA = Path(__file__).parents[2] / "examples/data/ethanol_gfn2.extxyz"
EVALUATIONS = 5000
ATOMS = 9
BATCH = 32


def constant(frames):
    zeros = np.zeros((len(frames), 3, 3))
    return Prediction(zeros[:, 0, 0], np.zeros(frames.positions.shape), zeros)


def echo(client, potential, template):
    """Fixed-size reads and ready-made replies: what any Python driver must at least do."""
    question = 2 * 12 + 18 * 8 + 4 + 24 * ATOMS
    nothing = Results(np.zeros(1), np.zeros((1, ATOMS, 3)), np.zeros((1, 3, 3)), [EXTRA])
    reply = SocketPayload(ATOMS).reply(nothing)
    receive(client, 12 + 8 + 1)
    for _ in range(EVALUATIONS):
        receive(client, question)
        client.sendall(reply)
        receive(client, 12)
        client.sendall(READY)
    receive(client, 12)
    return 0.0  # no model


EXTRA = '{"mismatch_mev_per_atom": 0}'


def ipi(client, potential, template):
    """The loop of i-pi-py_driver, on our end of the socket pair."""
    loader = importlib.machinery.SourceFileLoader("ipi_driver", shutil.which("i-pi-py_driver"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("ipi_driver", loader))
    loader.exec_module(module)

    class Ready:
        """In place of a socket that would be connected."""

        AF_UNIX, SOCK_STREAM, timeout = socket.AF_UNIX, socket.SOCK_STREAM, socket.timeout

        @staticmethod
        def socket(*_):
            return Connected()

    class Connected:
        def connect(self, address):
            pass

        def __getattr__(self, name):
            return getattr(client, name)

    module.socket = Ready
    module.print = lambda *_: None
    module.run_driver(unix=True, address="none")
    return 0.0


def whole(client, potential, template):
    compute = Clocked(potential)
    run(client, Evaluator(template, compute), template)
    return compute.seconds


def run(client, evaluator, template):
    monitor = Monitor(template.n_atoms, lambda text: None)
    serve(lambda number: Session(client, SocketPayload(template.n_atoms)), evaluator, monitor, print)


def child(work, client, potential, template, batch, results):
    warm = template.at(np.repeat(template.positions, batch, axis=0))
    Monitor(template.n_atoms, print).observe(warm, constant(warm) if potential is None else potential.compute(warm))
    gc.freeze()  # as rfp-driver does
    start = time.thread_time()
    model = work(client, potential, template)
    results.send((time.thread_time() - start, model))


def measure(work, potential, template, batch=1, evaluations=EVALUATIONS):
    """CPU time of the child per evaluation without the model, and of the model, µs."""
    server, client = socket.socketpair()
    receiver, sender = multiprocessing.Pipe(duplex=False)
    arguments = (work, client, potential, template, batch, sender)
    process = multiprocessing.get_context("fork").Process(target=child, args=arguments)
    process.start()
    client.close()
    positions = template.positions[0] / Bohr
    cell = 100 * np.eye(3)
    question = structure_message(positions, cell)
    if batch > 1:
        question = batch_message(np.stack([positions + 0.01 * k for k in range(batch)]), cell)
    server.sendall(init_message(f" batch_size:{batch}" if batch > 1 else " "))
    for _ in range(evaluations):
        server.sendall(question + header("GETFORCE"))
        receive_forces(server) if batch == 1 else receive_batch(server, batch)
        server.sendall(header("STATUS"))
        receive(server, 12)
    server.sendall(header("EXIT"))
    total, model = receiver.recv()
    process.join()
    return 1e6 * (total - model) / evaluations, 1e6 * model / evaluations


def main():
    potential = rfp_md.train(DATA, descriptor=["inverse_distances:width=6000"])
    template = potential.reference
    print("| driver | own CPU, µs per evaluation | ratio to echo | model, µs |\n|---|---|---|---|")
    rows = {
        "bare Python echo": (echo, None),
        "i-PI's Python driver, dummy": (ipi, None),
        "rfp-driver, ethanol": (whole, potential),
    }
    floor = single = None
    for name, (work, model) in rows.items():
        runs = [measure(work, model, template) for _ in range(3)]
        own, inside = (statistics.median(column) for column in zip(*runs, strict=True))
        floor, single = floor or own, inside
        print(f"| {name} | {own:.0f} | {own / floor:.2f} | {inside:.0f} |", flush=True)
    own, inside = measure(whole, potential, template, batch=BATCH, evaluations=EVALUATIONS // BATCH)
    print(
        f"\nA batch of {BATCH}: model {inside:.0f} µs, {inside / (BATCH * single):.2f} of {BATCH} single calls; ",
        end="",
    )
    print(f"driver {own:.0f} µs, {own / BATCH:.1f} for a structure")


if __name__ == "__main__":
    main()
