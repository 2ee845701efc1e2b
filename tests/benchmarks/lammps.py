"""What the callback costs: LAMMPS with a model through `fix external`, beyond the model itself.

    python -m tests.benchmarks.lammps

NVE of benzene, 12 atoms, in a periodic box that it crosses. Rows: LAMMPS alone (`fix spring/self`); a harmonic
Python callback through LAMMPS's own module, the usual recipe; our callback with constant forces; and with the
symmetrised benzene model, whose time inside `Potential.compute` is taken off. CPU time of this thread, best of five
runs. Prints a Markdown table.
"""

from __future__ import annotations

import time
from types import SimpleNamespace

import numpy as np

import rfp_md
from rfp_md.interfaces.lammps import attach, open_lammps
from rfp_md.prediction import Prediction
from tests.benchmarks.clock import Clocked
from tests.conftest import BENZENE, ROOT

STEPS, RUNS = 5000, 5


def instance():
    lmp = open_lammps("-log", "none", "-screen", "none")
    lmp.commands_string(f"""
        units metal
        atom_style atomic
        read_data {ROOT}/examples/lammps/data.benzene
        pair_style zero 5.0
        pair_coeff * *
        timestep 0.0005
        velocity all create 300.0 2026 mom yes rot yes
        velocity all set 1.0 2.0 3.0 sum yes
        fix dynamics all nve
    """)
    return lmp


def bare(lmp):
    lmp.command("fix springs all spring/self 1.0")
    return lambda: 0.0


def recipe(lmp):
    """LAMMPS's documentation, with the reordering and the virial."""
    lmp.command("fix external all external pf/callback 1 1")
    lmp.command("fix_modify external energy yes virial yes")
    home = np.zeros((12, 3))
    home[lmp.numpy.extract_atom("id") - 1] = lmp.numpy.extract_atom("x")[:12]

    def callback(caller, step, n_local, tags, x, f):
        order = tags - 1
        away = x - home[order]
        f[:] = -away
        lmp.fix_external_set_energy_global("external", 0.5 * float((away**2).sum()))
        virial = -np.einsum("ix,iy->xy", x, away)
        lmp.fix_external_set_virial_global("external", virial.reshape(-1)[[0, 4, 8, 1, 2, 5]].tolist())

    lmp.set_fix_external_callback("external", callback)
    return lambda: 0.0


def with_model(potential):
    """The whole callback; the model is what the clock says of `Potential.compute`."""
    compute = Clocked(potential)

    def work(lmp):
        attach(lmp, stand_in(potential, compute), ["C", "H"])
        return lambda: compute.seconds

    return work


def constant(potential):
    """The whole callback with forces that are zero, and a molecule that drifts through the box."""
    prediction = Prediction(np.zeros(1), np.zeros((1, 12, 3)), np.zeros((1, 3, 3)))

    def work(lmp):
        lmp.command("velocity all set 1.0 2.0 3.0")
        attach(lmp, stand_in(potential, lambda frames: prediction), ["C", "H"])
        return lambda: 0.0

    return work


def stand_in(potential, compute):
    names = ("check", "descriptors", "reference", "fixed_composition")
    return SimpleNamespace(compute=compute, **{name: getattr(potential, name) for name in names})


def measure(work):
    """µs per step outside and inside the model: of the fastest run."""
    lmp = instance()
    inside = work(lmp)
    lmp.command("run 100")
    figures = []
    for _ in range(RUNS):
        start, before = time.thread_time(), inside()
        lmp.command(f"run {STEPS}")
        model = inside() - before
        figures.append((time.thread_time() - start - model, model))
    lmp.close()
    return [1e6 * seconds / STEPS for seconds in min(figures)]


def main():
    potential = rfp_md.train(f"{BENZENE}@:200", preset="fast")
    rows = {
        "LAMMPS alone": bare,
        "harmonic callback, LAMMPS's module": recipe,
        "rfp-md, constant": constant(potential),
        "rfp-md, benzene": with_model(potential),
    }
    print("| forces from | µs per step beyond the model | model, µs |\n|---|---|---|")
    for name, work in rows.items():
        own, model = measure(work)
        print(f"| {name} | {own:.1f} | {model:.1f} |", flush=True)
    open_lammps("-log", "none", "-screen", "none").finalize()  # or MPI leaves its shared memory behind


if __name__ == "__main__":
    main()
