"""The doors to ASE, i-PI, LAMMPS and MDI."""
