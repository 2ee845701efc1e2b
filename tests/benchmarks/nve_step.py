"""A whole NVE step in i-PI: our routes beside i-PI's own potential that computes nothing, and a bare Python echo.

    python -m tests.benchmarks.nve_step [MODEL.rfp]

Each row is a run of real i-PI with an input that ``rfp-driver --print-ipi`` writes, 12 atoms, one bead. Time of a
step is the difference of a long and a short run, the best of several, so that starting is not counted. Without a
model, one is fitted to the benzene frames in examples/data with the preset fast. Prints Markdown.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

DATA = Path(__file__).parents[2] / "examples/data/benzene_gfn2.extxyz"
SHORT, LONG, REPEATS = 500, 5500, 3

# What any driver written in Python must at least do; energies, forces and virial are zero.
ECHO = r"""
import socket, struct, sys
sock = socket.socket(socket.AF_UNIX); sock.connect(sys.argv[1])
def take(n):
    data = sock.recv(n)
    while len(data) < n: data += sock.recv(n - len(data))
    return data
n = int(sys.argv[2]); state = b"NEEDINIT    "
reply = b"FORCEREADY  " + struct.pack("=di", 0.0, n) + bytes(24 * n + 72) + struct.pack("=i", 2) + b"{}"
while True:
    header = take(12)
    if header == b"STATUS      ": sock.sendall(state)
    elif header == b"INIT        ": take(4); take(struct.unpack("=i", take(4))[0]); state = b"READY       "
    elif header == b"POSDATA     ": take(144); take(4); take(24 * n)
    elif header == b"GETFORCE    ": sock.sendall(reply)
    else: break
"""


def run(folder: Path, text: str, steps: int, driver: list[str] | None) -> float:
    """Wall seconds of i-PI for so many steps."""
    text = re.sub(r"<total_steps> \d+ </total_steps>", f"<total_steps> {steps} </total_steps>", text)
    (folder / "input.xml").write_text(text)
    start = time.perf_counter()
    ipi = subprocess.Popen(["i-pi", "input.xml"], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    client = None
    if driver is not None:
        while not (folder / "ipi_s").exists():
            time.sleep(0.01)
        client = subprocess.Popen(driver, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if ipi.wait(300) != 0:
        raise RuntimeError(f"i-PI failed in {folder}")
    wall = time.perf_counter() - start
    if client is not None:
        client.wait(60)
    for left in folder.glob("run.*"):
        left.unlink()
    return wall


def main() -> None:
    import rfp_md
    from rfp_md.driver.transports import UnixAddress
    from rfp_md.interfaces.ipi.input import ipi_input

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else folder / "benzene.rfp"
        if not model.exists():
            subprocess.run(
                ["rfp", "train", DATA, "--preset", "fast", "-o", model], check=True, stderr=subprocess.DEVNULL
            )
        potential = rfp_md.load(model)
        n_atoms = len(potential.reference.numbers)
        address = UnixAddress(str(folder / "ipi_s"))
        direct, socket = (ipi_input(potential, model, at, stride=100) for at in (None, address))
        dummy = re.sub(r"<pes> custom.*?</parameters>", "<pes> dummy </pes>", direct, flags=re.DOTALL)
        serve = ["rfp-driver", "--model", str(model), "--unix", address.name]
        rows = {
            "in process, i-PI's dummy": (dummy, None),
            "in process, rfp": (direct, None),
            "unix, bare Python echo": (socket, [sys.executable, "-c", ECHO, address.path, str(n_atoms)]),
            "unix, i-pi-py_driver, dummy": (
                socket,
                ["i-pi-py_driver", "-u", "-S", f"{folder}/", "-a", "ipi_s", "-m", "dummy"],
            ),
            "unix, rfp-driver": (socket, serve),
        }
        frames = potential.reference
        potential.compute(frames)
        start = time.perf_counter()
        for _ in range(2000):
            potential.compute(frames)
        print(f"one call of the model: {(time.perf_counter() - start) / 2000 * 1e6:.0f} µs\n")
        best = {}
        for _ in range(REPEATS):
            for row, (text, driver) in rows.items():
                taken = run(folder, text, LONG, driver) - run(folder, text, SHORT, driver)
                best[row] = min(best.get(row, float("inf")), taken / (LONG - SHORT) * 1e6)
        print("| one NVE step, 12 atoms | µs | ratio |\n|---|---|---|")
        for row, microseconds in best.items():
            floor = "in process, i-PI's dummy" if "process" in row else "unix, bare Python echo"
            print(f"| {row} | {microseconds:.0f} | {microseconds / best[floor]:.2f} |")


if __name__ == "__main__":
    main()
