"""When two atoms are bonded, torn apart or in collision: their distance against the sum of their covalent radii.

The limits of all of the package stand here. There are two for a bond. ``BONDED`` is for one structure, as it is caught
in its vibrations: at 500 K a bond is up to a tenth longer than at rest. ``BONDED_AT_REST`` is for a median over many
structures and for the graph that a model was fitted with: vibrations are averaged out there, and what is between 1.2
and 1.3 need not be a bond, such as the long side of a strong hydrogen bridge.
"""

from __future__ import annotations

from rfp_md.arrays import Floats, Ints

COLLISION = 0.5  # below
BONDED_AT_REST = 1.2  # below; the default of the descriptors' ``bond_scale``, which files have
BONDED = 1.3  # below
TORN = 1.8  # above; a hydrogen on its way between two oxygens is at 1.5


def covalent_radii(numbers: Ints) -> Floats:
    """Look up the covalent radii (...), Å, of atomic numbers."""
    from ase.data import covalent_radii

    radii: Floats = covalent_radii[numbers]
    return radii


def relative_lengths(lengths: Floats, first: Ints, second: Ints) -> Floats:
    """Express distances, Å, in units of the sum of the covalent radii of atoms with these atomic numbers."""
    relative: Floats = lengths / (covalent_radii(first) + covalent_radii(second))
    return relative
