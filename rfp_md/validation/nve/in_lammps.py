"""NVE in LAMMPS, with rfp-lammps in a process and a temporary folder of its own."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.data import atomic_masses, atomic_numbers

from rfp_md.artifact.file import save
from rfp_md.dynamics.momenta import degrees_of_freedom
from rfp_md.dynamics.motion import BlownUp
from rfp_md.errors import UserError
from rfp_md.interfaces.ipi.structure import VACUUM
from rfp_md.logs.read import read_energy_log
from rfp_md.logs.trace import Trace
from rfp_md.potential import Potential
from rfp_md.progress import Progress
from rfp_md.validation.nve.in_ipi import LINES

MAIN = "from rfp_md.cli.rfp_lammps import main; main()"

INPUT = """\
units           metal
atom_style      atomic
boundary        {boundary}
read_data       data.lammps
pair_style      zero 5.0
pair_coeff      * *
timestep        {timestep:.12g}
fix             dynamics all nve
thermo          {stride}
thermo_style    custom step time etotal ke pe
thermo_modify   format float %.15g
run             {steps}
"""


def run_lammps(potential: Potential, start: Atoms, length: float, timestep: float, progress: Progress) -> Trace:
    """Run LAMMPS from the atoms' positions and momenta, and read the total energy from its log.

    Args:
        start: the potential's atoms with their momenta.
        length: ps.
        timestep: fs.
        progress: is told in the end.

    Raises:
        UserError: LAMMPS is not installed or fails, with the last line that it wrote.
        BlownUp: it fails on its way.
    """
    steps = round(length * 1e3 / timestep)
    with tempfile.TemporaryDirectory(prefix="rfp-") as name:
        folder = Path(name)
        save(potential, folder / "model.rfp")
        elements = _write_data(folder / "data.lammps", start)
        boundary = " ".join("p" if periodic else "f" for periodic in start.pbc)
        text = INPUT.format(boundary=boundary, timestep=timestep * 1e-3, stride=max(1, steps // LINES), steps=steps)
        (folder / "in.nve").write_text(text)
        _run(folder, elements)
        progress.advance(steps)
        log = read_energy_log(folder / "log.lammps")
        return Trace(log.times, log.conserved, log.kinetic, len(start), degrees_of_freedom(start))


def _write_data(path: Path, start: Atoms) -> list[str]:
    """Write positions, masses and velocities as LAMMPS reads them.

    Returns:
        the elements in the order of LAMMPS's types.
    """
    from ase.io import write

    atoms = start.copy()
    atoms.center(vacuum=VACUUM / 2, axis=np.flatnonzero(~atoms.pbc))  # or LAMMPS loses atoms at the box's faces
    elements = list(dict.fromkeys(atoms.get_chemical_symbols()))
    # ASE's writer takes LAMMPS's own masses from the first atom of each type.
    atoms.set_masses([atomic_masses[atomic_numbers[name]] for name in atoms.get_chemical_symbols()])
    atoms.set_momenta(start.get_momenta())
    write(
        path,
        atoms,
        format="lammps-data",
        specorder=elements,
        masses=True,
        velocities=True,
        units="metal",
        atom_style="atomic",
    )
    return elements


def _run(folder: Path, elements: list[str]) -> None:
    """Run ``in.nve`` of a folder with ``model.rfp`` to its end. Raises UserError or BlownUp, as ``run_lammps``."""
    flags = ["-in", "in.nve", "--model", "model.rfp", "--types", ",".join(elements)]
    done = subprocess.run([sys.executable, "-c", MAIN, *flags], cwd=folder, capture_output=True, text=True, check=False)
    if not done.returncode:
        return
    last = (done.stderr or done.stdout or "no message").strip().splitlines()[-1]
    # The start is one of the potential's own, so that it is the potential that has no answer, even at step 0.
    if step := re.search(r"LAMMPS step (\d+)", last):
        raise BlownUp(f"in step {step[1]}: {last}")
    raise UserError(f"the LAMMPS run failed; rfp-lammps wrote: {last}")
