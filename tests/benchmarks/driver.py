"""The driver's own share of an evaluation: CPU time of the serving process beyond the model.

    python tests/benchmarks/driver.py

A server in this process sends consolidated POSDATA + GETFORCE and STATUS, as i-PI 3.3 does, over a unix
socket pair to a child that serves. Rows: a child that only echoes bytes (the floor), rfp-driver's message
loop with a constant result, and rfp-driver with the symmetrised ethanol model, whose time inside
`Potential.compute` is taken off. CPU time of the serving thread. Prints a Markdown table.
"""

from __future__ import annotations

import multiprocessing
import socket
import statistics
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from ase.units import Bohr

import rfp_md
from rfp_md.driver.protocol import READY, Connection, force_reply
from rfp_md.driver.session import Counts, evaluator, serve
from tests.driver.server import header, init_message, receive, structure_message

DATA = Path(__file__).parents[2] / "examples/data/ethanol_gfn2.extxyz"
EVALUATIONS = 5000
ATOMS = 9


def constant(cell, positions):
    return 0.0, positions, cell


def echo(client, potential):
    """Fixed-size reads and ready-made replies: what any Python driver must at least do."""
    question = 2 * 12 + 18 * 8 + 4 + 24 * ATOMS
    reply = force_reply(0.0, np.zeros((ATOMS, 3)), np.zeros((3, 3)))
    receive(client, 12 + 8 + 1)
    for _ in range(EVALUATIONS):
        receive(client, question)
        client.sendall(reply)
        receive(client, 12)
        client.sendall(READY)
    receive(client, 12)
    return 0.0  # no model


def loop(client, potential):
    serve(Connection(client), constant, Counts())
    return 0.0


def whole(client, potential):
    inside = 0.0

    def timed(frames):
        nonlocal inside
        start = time.thread_time()
        prediction = potential.compute(frames)
        inside += time.thread_time() - start
        return prediction

    serve(Connection(client), evaluator(SimpleNamespace(compute=timed), potential.reference), Counts())
    return inside


def child(work, client, potential, results):
    if potential is not None:
        potential.compute(potential.reference)
    start = time.thread_time()
    model = work(client, potential)
    results.send((time.thread_time() - start, model))


def measure(work, potential=None):
    """CPU time of the child per evaluation without the model, and of the model, µs."""
    server, client = socket.socketpair()
    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(target=child, args=(work, client, potential, sender))
    process.start()
    client.close()
    positions = np.zeros((ATOMS, 3)) if potential is None else potential.reference.positions[0] / Bohr
    question = structure_message(positions, 100 * np.eye(3)) + header("GETFORCE")
    answer = len(force_reply(0.0, positions, np.eye(3)))
    server.sendall(init_message())
    for _ in range(EVALUATIONS):
        server.sendall(question)
        receive(server, answer)
        server.sendall(header("STATUS"))
        receive(server, 12)
    server.sendall(header("EXIT"))
    total, model = receiver.recv()
    process.join()
    return 1e6 * (total - model) / EVALUATIONS, 1e6 * model / EVALUATIONS


def main():
    potential = rfp_md.train(DATA, descriptor=["inverse_distances:width=6000"])
    print("| driver | own CPU, µs per evaluation | ratio to echo | model, µs |\n|---|---|---|---|")
    rows = {"bare Python echo": (echo, None), "message loop": (loop, None), "rfp-driver": (whole, potential)}
    floor = None
    for name, (work, model) in rows.items():
        runs = [measure(work, model) for _ in range(3)]
        own, inside = (statistics.median(column) for column in zip(*runs, strict=True))
        floor = floor or own
        print(f"| {name} | {own:.0f} | {own / floor:.2f} | {inside:.0f} |", flush=True)


if __name__ == "__main__":
    main()
