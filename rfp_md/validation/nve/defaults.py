"""What a whole and a quick check of NVE are."""

from typing import Literal

EngineName = Literal["ase", "ipi", "lammps"]  # what runs the dynamics

TEMPERATURES = (300.0, 500.0)  # K
LENGTH, QUICK_LENGTH = 20.0, 2.0  # ps
TIMESTEP = 0.5  # fs
