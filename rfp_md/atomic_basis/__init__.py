"""The neighbours of an atom as numbers: radial functions × spherical harmonics, and invariants of their products."""
