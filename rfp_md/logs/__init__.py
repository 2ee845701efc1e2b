"""Energies along a run, from the files of i-PI, LAMMPS and ASE."""
