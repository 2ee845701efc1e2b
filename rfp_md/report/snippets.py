"""What to type to run a model: lines that work as they stand, in the folder of the model."""

from __future__ import annotations

import re
from shlex import quote
from typing import Any

from rfp_md.interfaces.template import needs_template
from rfp_md.potential import Potential

LAMMPS_INPUT = """\
units           metal
atom_style      atomic
boundary        p p p
read_data       {data}
pair_style      zero 5.0            # all forces are the model's
pair_coeff      * *

timestep        0.0005              # ps
velocity        all create 300.0 2026 mom yes rot yes
fix             dynamics all nve
thermo          100
thermo_style    custom step time temp pe ke etotal press
thermo_modify   format float %.8f
run             4000
"""


def snippets(model: str, potential: Potential) -> dict[str, Any] | None:
    """Write what to type for i-PI, LAMMPS and ASE; None for a model without forces.

    Returns:
        ``ipi``: lines for a shell. ``lammps``: Python that writes the data file, the input, and the line for a shell.
        ``ase``: Python. ``atoms``: the model's atoms in their order, which i-PI and LAMMPS must have.
    """
    if not potential.has_forces:
        return None
    from ase.data import chemical_symbols

    symbols = [chemical_symbols[z] for z in potential.reference.numbers]
    types = ",".join(dict.fromkeys(symbols))
    stem = re.sub(r"[^A-Za-z0-9_.-]", "_", model.removesuffix(".rfp")).lstrip("-") or "model"
    return {
        "ipi": _ipi(quote(model), stem[:40], needs_template(potential)),
        "lammps_data": _lammps_data(model, stem, types.split(","), potential.reference.periodic),
        "lammps_input": LAMMPS_INPUT.format(data=f"data.{stem}"),
        "lammps": f"rfp-lammps -in in.nve --model {quote(model)} --types {types}",
        "ase": _ase(model),
        "atoms": " ".join(f"{symbol}{k}" for k, symbol in enumerate(symbols)),
    }


def _ipi(model: str, name: str, template: bool) -> str:
    atoms = " --template structure.xyz" if template else ""
    return (
        f"rfp-driver --model {model}{atoms} --unix {name} --print-ipi > input.xml\n"
        "i-pi input.xml &\n"
        f"rfp-driver --model {model}{atoms} --unix {name}\n"
    )


def _lammps_data(model: str, stem: str, types: list[str], periodic: bool) -> str:
    room = "" if periodic else "atoms.center(vacuum=10.0)\n"
    return (
        "from ase.io import write\n"
        "import rfp_md\n"
        "from rfp_md.interfaces.ase import to_atoms\n\n"
        f"atoms = to_atoms(rfp_md.load({model!r}).reference)\n"
        f"{room}"
        f"write({'data.' + stem!r}, atoms, format='lammps-data', specorder={types!r}, masses=True)\n"
    )


def _ase(model: str) -> str:
    return (
        "from rfp_md.interfaces.ase import RFPCalculator, to_atoms\n\n"
        f"calculator = RFPCalculator({model!r})\n"
        "atoms = to_atoms(calculator.potential.reference)  # or your own, in the same order\n"
        "atoms.calc = calculator\n"
        'print(atoms.get_potential_energy(), "eV")\n'
        'print(atoms.get_forces(), "eV/Å")\n'
    )
