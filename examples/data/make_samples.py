"""Make the embedded sample data: molecular dynamics of benzene and ethanol at GFN2-xTB.

    pip install 'rfp-md[reference]'
    python examples/data/make_samples.py            # about a minute, writes *_gfn2.extxyz beside this file

Protocol: Langevin dynamics at 500 K, 0.5 fs steps, friction 0.01 / fs, 2000 steps of equilibration,
then one frame every 20 steps until there are 600. Units in the files: Å, eV, eV/Å (the extended XYZ
convention of ASE). The comment line of every frame names method, versions, temperature and seed.
"""

from importlib.metadata import version
from pathlib import Path

import ase.units
import numpy as np
from ase import Atoms
from ase.build import molecule
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write
from ase.md.langevin import Langevin
from ase.md.velocitydistribution import thermalize_momenta
from ase.optimize import BFGS
from tblite.ase import TBLite

TEMPERATURE = 500.0  # K
TIMESTEP = 0.5  # fs
FRICTION = 0.01  # 1/fs
EQUILIBRATION = 2000  # steps
STRIDE = 20  # steps between frames
FRAMES = 600
SEEDS = {"benzene": ("C6H6", 2026), "ethanol": ("CH3CH2OH", 2027)}


def record(atoms: Atoms, seed: int, step: int) -> Atoms:
    """A copy of the present frame with its labels and its provenance."""
    positions = atoms.positions - atoms.get_center_of_mass()
    frame = Atoms(atoms.numbers, positions)
    frame.info = {
        "method": "GFN2-xTB",
        "tblite": version("tblite"),
        "ase": version("ase"),
        "temperature_K": TEMPERATURE,
        "seed": seed,
        "step": step,
    }
    frame.calc = SinglePointCalculator(frame, energy=atoms.get_potential_energy(), forces=atoms.get_forces())
    return frame


def trajectory(formula: str, seed: int) -> list[Atoms]:
    """Frames of one Langevin trajectory that starts from the relaxed molecule."""
    rng = np.random.default_rng(seed)
    atoms = molecule(formula)
    atoms.calc = TBLite(method="GFN2-xTB", accuracy=0.1, verbosity=0)
    BFGS(atoms, logfile=None).run(fmax=0.01)
    thermalize_momenta(atoms, temperature_K=TEMPERATURE, rng=rng)
    dynamics = Langevin(
        atoms,
        TIMESTEP * ase.units.fs,
        temperature_K=TEMPERATURE,
        friction=FRICTION / ase.units.fs,
        fixcm=False,
        rng=rng,
    )
    dynamics.run(EQUILIBRATION)
    frames = []
    for k in range(1, FRAMES + 1):
        dynamics.run(STRIDE)
        frames.append(record(atoms, seed, EQUILIBRATION + k * STRIDE))
    return frames


if __name__ == "__main__":
    here = Path(__file__).parent
    for name, (formula, seed) in SEEDS.items():
        path = here / f"{name}_gfn2.extxyz"
        write(path, trajectory(formula, seed), format="extxyz")
        print(f"{path}: {FRAMES} frames, {path.stat().st_size / 1e6:.2f} MB")
