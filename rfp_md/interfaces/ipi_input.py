"""Inputs for i-PI."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rfp_md.potential import Potential

VACUUM = 100.0  # Å around a free molecule; i-PI wants a cell, the model does not look at it

NVE = """\
<simulation verbosity="low" safe_stride="1000000">
  <output prefix="run">
    <properties filename="out" stride="{stride}" flush="1">
      [ step, time{{picosecond}}, conserved{{electronvolt}}, kinetic_md{{electronvolt}}, potential{{electronvolt}} ]
    </properties>
  </output>
  <total_steps> {steps} </total_steps>
  <prng> <seed> {seed} </seed> </prng>
  <ffsocket name="rfp" mode="unix" pbc="false">
    <address> {address} </address>
    <latency> 0 </latency>
    <timeout> 60 </timeout>
    <exit_on_disconnect> True </exit_on_disconnect>
  </ffsocket>
  <system>
    <initialize nbeads="1">
      <file mode="xyz"> init.xyz </file>
      <velocities mode="thermal" units="kelvin"> {temperature} </velocities>
    </initialize>
    <forces> <force forcefield="rfp"> </force> </forces>
    <ensemble> <temperature units="kelvin"> {temperature} </temperature> </ensemble>
    <motion mode="dynamics">
      <dynamics mode="nve"> <timestep units="femtosecond"> {timestep} </timestep> </dynamics>
    </motion>
  </system>
</simulation>
"""


def write_nve_input(
    folder: Path,
    potential: Potential,
    *,
    address: str,
    steps: int,
    stride: int,
    timestep: float,
    temperature: float,
    seed: int,
) -> Path:
    """Write ``input.xml``, ``init.xyz`` and ``template.extxyz`` for a constant-energy run with one driver.

    Args:
        address: i-PI's name of the socket.
        stride: steps between lines of ``run.out``.
        timestep: fs.
        temperature: of the initial velocities, K.

    Returns:
        The path of ``input.xml``.
    """
    from ase.io import write

    from rfp_md.interfaces.ase import to_atoms

    write(folder / "template.extxyz", to_atoms(potential.reference))
    write_structure(folder / "init.xyz", potential)
    path = folder / "input.xml"
    path.write_text(
        NVE.format(address=address, steps=steps, stride=stride, timestep=timestep, temperature=temperature, seed=seed)
    )
    return path


def write_structure(path: Path, potential: Potential) -> None:
    """The model's reference structure as i-PI's xyz: in its cell, turned to upper triangular, or in an empty one."""
    from ase.data import chemical_symbols

    from rfp_md.interfaces.ase import to_atoms

    atoms = to_atoms(potential.reference)
    if not potential.reference.periodic:
        atoms.cell = np.full(3, np.ptp(atoms.positions, axis=0).max() + VACUUM)
        atoms.positions -= atoms.positions.mean(axis=0)
    cell = atoms.cell.cellpar()
    atoms.set_cell(cell, scale_atoms=True)
    lines = [
        str(len(atoms)),
        f"# CELL(abcABC): {' '.join(f'{x:.8f}' for x in cell)} positions{{angstrom}} cell{{angstrom}}",
    ]
    for number, (x, y, z) in zip(atoms.numbers, atoms.positions, strict=True):
        lines.append(f"{chemical_symbols[number]} {x:.10f} {y:.10f} {z:.10f}")
    path.write_text("\n".join(lines) + "\n")
