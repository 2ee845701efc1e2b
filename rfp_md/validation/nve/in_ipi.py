"""NVE in real i-PI, with rfp-driver over a unix socket in a temporary folder."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from ase import Atoms

from rfp_md.artifact.file import save
from rfp_md.driver.transports import UnixAddress
from rfp_md.dynamics.momenta import degrees_of_freedom
from rfp_md.dynamics.motion import BlownUp
from rfp_md.errors import UserError
from rfp_md.interfaces.ipi.input import ipi_input
from rfp_md.logs.read import read_energy_log
from rfp_md.logs.trace import Trace
from rfp_md.potential import Potential
from rfp_md.progress import Progress

LINES = 5000  # at most so many lines of output
GRACE_SECONDS = 10.0  # for a process to end after its partner


def run_ipi(potential: Potential, start: Atoms, length: float, timestep: float, progress: Progress) -> Trace:
    """Start i-PI and rfp-driver, wait for both, read the conserved energy; nothing is left behind.

    Args:
        start: the potential's atoms with their momenta.
        length: ps.
        timestep: fs.
        progress: is told in the end.

    Raises:
        UserError: i-PI is not installed, or one of the two fails, with the last line that it wrote.
        BlownUp: one of them fails on its way.
    """
    with tempfile.TemporaryDirectory(prefix="rfp-") as name:
        folder = Path(name)
        steps = round(length * 1e3 / timestep)
        write_run(
            folder,
            potential,
            steps=steps,
            stride=max(1, steps // LINES),
            timestep=timestep,
            moving=start,
        )
        try:
            run_pair(folder)
        except UserError as error:
            if _lines(folder / "run.out") > 0:
                raise BlownUp(f"in i-PI: {error}") from error
            raise
        progress.advance(steps)
        log = read_energy_log(folder / "run.out")
        return Trace(log.times, log.conserved, log.kinetic, len(start), degrees_of_freedom(start))


def _lines(path: Path) -> int:
    """How many samples of the run stand in a properties file."""
    return sum(not line.startswith("#") for line in path.read_text().splitlines()) if path.is_file() else 0


def write_run(folder: Path, potential: Potential, **options: Any) -> None:
    """Write what ``run_pair`` needs: ``model.rfp``, ``template.extxyz`` and ``input.xml``.

    Args:
        options: those of ``ipi_input``.
    """
    from ase.io import write

    from rfp_md.io.atoms import to_atoms

    model, template = folder / "model.rfp", folder / "template.extxyz"
    save(potential, model)
    write(template, to_atoms(potential.reference))
    text = ipi_input(potential, model, _address(folder), template=template, exit_on_disconnect=True, **options)
    (folder / "input.xml").write_text(text)


def run_pair(folder: Path) -> None:
    """Run ``input.xml`` with i-PI, and ``model.rfp`` with rfp-driver, until both have ended."""
    flags = ["--model", "model.rfp", "--template", "template.extxyz", "--unix", _address(folder).path]
    commands = {
        "i-PI": [_executable("i-pi"), "input.xml"],
        "rfp-driver": [sys.executable, "-m", "rfp_md.driver", *flags],
    }
    running: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name, command in commands.items():
            with (folder / f"{name}.log").open("wb") as log:
                running[name] = subprocess.Popen(command, cwd=folder, stdout=log, stderr=subprocess.STDOUT)
        while all(process.poll() is None for process in running.values()):
            time.sleep(0.05)
        deadline = time.monotonic() + GRACE_SECONDS
        while time.monotonic() < deadline and any(process.poll() is None for process in running.values()):
            time.sleep(0.05)
    finally:
        for process in running.values():
            if process.poll() is None:
                process.kill()
            process.wait()
    # i-PI ends with 0 whatever happens, so the driver's word counts: it exits 0 only after the server's EXIT.
    if running["rfp-driver"].returncode != 0:
        failed = "rfp-driver" if running["rfp-driver"].returncode == 2 else "i-PI"
        raise UserError(f"the i-PI run failed; {failed} wrote: {_last_line(folder / f'{failed}.log')}")


def _address(folder: Path) -> UnixAddress:
    """Of the socket in the folder of a run."""
    return UnixAddress(f"{folder}/socket")


def _executable(name: str) -> str:
    """Beside this Python, or on the path. Raises UserError where there is none."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.is_file() else shutil.which(name)
    if found is None:
        raise UserError(f"{name} is not installed; install it with 'pip install ipi'")
    return found


def _last_line(path: Path) -> str:
    """What a process wrote last into its log."""
    lines = [line.strip() for line in path.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else "nothing"
