"""Is there a minimum, with the right bonds and real vibrations, and what are the barriers around it?"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rfp_md.arrays import Floats
from rfp_md.dynamics.relaxation import MOST_ATOMS, relax
from rfp_md.frames import Frames
from rfp_md.io.atoms import to_atoms
from rfp_md.prediction import AnyPotential
from rfp_md.structures.bonds import Bonds
from rfp_md.validation.geometry.result import GeometryResult
from rfp_md.validation.geometry.torsions import compare_scan, rotors
from rfp_md.validation.geometry.vibrations import vibrations_of

IMAGINARY = 5.0  # cm⁻¹; below it a mode counts as real
ALONG = 0.05  # Å √amu; how far a structure is moved off a saddle
SHORTENING = 0.2  # Å; a new bond whose atoms came closer by less was there before
ATTEMPTS = 3


def check_geometry(potential: AnyPotential, *, scan: str | Path | None = None) -> GeometryResult:
    """Relax the reference structure, and look at its vibrations and at the barriers of its rotors.

    Args:
        scan: frames with reference energies along a path (a torsion, a reaction), to compare the barrier with.

    Raises:
        UserError: a scan that cannot be read or has other atoms.
    """
    relaxed, fmax, vibrations = _minimum(potential)
    prediction = potential.compute(potential.reference)
    frequencies = np.zeros(0) if vibrations is None or not np.isfinite(vibrations[0]).all() else vibrations[0]
    moved = np.linalg.norm(relaxed.positions[0] - potential.reference.positions[0], axis=1)
    return GeometryResult(
        max_force_ev_per_angstrom=fmax,
        changed_bonds=_changed_bonds(potential.reference, relaxed),
        imaginary_modes=None if vibrations is None else _imaginary(vibrations[0]),
        rigid_mode_per_cm=None if vibrations is None else float(np.abs(vibrations[1]).max()),
        relaxation_ev=float(potential.energies(relaxed)[0]) - float(prediction.energies[0]),
        relaxation_angstrom=float(moved.max()),
        frequencies_per_cm=[round(f, 3) for f in np.sort(frequencies).tolist()],
        relaxed_positions=relaxed.positions[0].tolist(),
        rotors=[] if relaxed.periodic else rotors(potential, relaxed),
        scan=None if scan is None else compare_scan(potential, scan),
    )


def _minimum(potential: AnyPotential) -> tuple[Frames, float, tuple[Floats, Floats] | None]:
    """Relaxed structure, its largest force, and frequencies of vibrations and rigid motions (None for large ones).

    A relaxation from a symmetric structure may end on a saddle; then it goes on from a little beside it.
    """
    relaxed, fmax = relax(potential, potential.reference)
    if relaxed.n_atoms > MOST_ATOMS or relaxed.n_atoms == 1:
        return relaxed, fmax, None
    masses = to_atoms(relaxed).get_masses()[:, None]
    frequencies, rigid, lowest = vibrations_of(potential, relaxed)
    for _ in range(ATTEMPTS):
        if not frequencies.min(initial=0.0) < -IMAGINARY:  # nor where it is not a number
            break
        relaxed, fmax = relax(potential, relaxed.at(relaxed.positions + ALONG * lowest / np.sqrt(masses)))
        frequencies, rigid, lowest = vibrations_of(potential, relaxed)
    return relaxed, fmax, (frequencies, rigid)


def _changed_bonds(before: Frames, after: Frames) -> int | None:
    """How many bonds of molecules are made or broken; None in a periodic system that has no molecules.

    A bond of a hot structure that was only just too long to count was there before.
    """
    bonds = Bonds.of_molecules(before)
    if before.periodic and not len(bonds.pairs):
        return None
    found = Bonds.of_molecules(after)
    made = found.without(bonds)
    moved = np.abs(made.lengths - made.measure(before.positions)[0])
    return len(bonds.without(found).pairs) + int((moved > SHORTENING).sum())


def _imaginary(frequencies: Floats) -> float:
    """How many are imaginary, which nobody knows of what is not a number."""
    return int((frequencies < -IMAGINARY).sum()) if np.isfinite(frequencies).all() else np.nan
