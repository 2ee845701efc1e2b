"""The nearest minimum of a potential."""

from __future__ import annotations

import numpy as np

from rfp_md.arrays import Floats
from rfp_md.calculators.as_calculator import PotentialCalculator
from rfp_md.errors import GeometryError
from rfp_md.frames import Frames
from rfp_md.io.atoms import to_atoms
from rfp_md.prediction import AnyPotential

FMAX = 1e-5  # eV/Å; at 1e-4, what is left of it turns H2 at 6 cm⁻¹
STEPS = 1000
MOST_ATOMS = 200  # whose Hessian is made


def relax(potential: AnyPotential, frames: Frames) -> tuple[Frames, float]:
    """Find the nearest minimum, the cell as it is, and the largest force on an atom of it, eV/Å.

    Where forces are not finite, or the potential has nothing to say of where it got, it ends, and the largest force is
    not a number.
    """
    from ase.optimize import BFGS, LBFGS

    atoms = to_atoms(frames)
    atoms.calc = PotentialCalculator(potential)
    # The Hessian that BFGS carries along costs more than the forces in a large box.
    optimiser = (BFGS if len(atoms) <= MOST_ATOMS else LBFGS)(atoms, logfile=None, maxstep=0.1)
    forces: Floats = atoms.get_forces()
    try:
        for _ in optimiser.irun(fmax=FMAX, steps=STEPS):
            forces = atoms.get_forces()
            if not np.isfinite(forces).all():
                break
    except GeometryError:
        return frames.at(atoms.positions[None]), np.nan
    return frames.at(atoms.positions[None]), float(np.linalg.norm(forces, axis=1).max())
