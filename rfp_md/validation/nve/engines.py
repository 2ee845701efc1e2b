"""What can run the dynamics of the check: this process with ASE, real i-PI, or LAMMPS."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ase import Atoms

from rfp_md.errors import UserError
from rfp_md.logs.trace import Trace
from rfp_md.potential import Potential
from rfp_md.prediction import AnyPotential
from rfp_md.progress import Progress
from rfp_md.validation.nve.defaults import EngineName
from rfp_md.validation.nve.in_ase import run_ase

# Of a potential, atoms with momenta, a length (ps) and a timestep (fs).
Dynamics = Callable[[Any, Atoms, float, float, Progress], Trace]


def dynamics_of(engine: EngineName, potential: AnyPotential) -> Dynamics:
    """The dynamics of an engine. Raises UserError where it only runs our models, and this is none."""
    if engine == "ase":
        return run_ase
    if not isinstance(potential, Potential):
        raise UserError(f"--engine {engine}: runs .rfp models only; validate a calculator with --engine ase")
    if engine == "lammps":
        from rfp_md.validation.nve.in_lammps import run_lammps

        return run_lammps
    from rfp_md.validation.nve.in_ipi import run_ipi

    return run_ipi
