"""Is there a minimum, with the right bonds and real vibrations, and what are the barriers around it?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ase.units
import numpy as np

from rfp_md.frames import Floats, Frames
from rfp_md.interfaces.ase import to_atoms
from rfp_md.validation.bonds import Bonds
from rfp_md.validation.differences import slope
from rfp_md.validation.subject import Subject, SubjectCalculator
from rfp_md.validation.thresholds import judge
from rfp_md.validation.torsions import compare_scan, rotors

FMAX = 1e-5  # eV/Å; at 1e-4, what is left of it turns H2 at 6 cm⁻¹
STEPS = 1000
DISPLACEMENT = 0.01  # Å, of the differences that make the Hessian; fourth order
IMAGINARY = 5.0  # cm⁻¹; below it a mode counts as real
ALONG = 0.05  # Å √amu; how far a structure is moved off a saddle
MADE = 0.2  # Å; a bond whose atoms came closer by less was there before
ATTEMPTS = 3
MOST_ATOMS = 200  # whose Hessian is made
STRAIGHT = 1e-3  # of the largest motion; a turn below it moves nothing: that about the axis of a linear molecule


def check_geometry(subject: Subject, *, scan: str | Path | None = None) -> dict[str, Any]:
    """Relax the reference structure, and look at its vibrations and at the barriers of its rotors.

    Args:
        scan: frames with reference energies along a path (a torsion, a reaction), to compare the barrier with.

    Returns:
        passed, verdict, judged; the figures of ``rfp_md.validation.thresholds`` (changed_bonds None in a periodic
        system without molecules, whose atoms have neighbours and not bonds); relaxation_ev and relaxation_angstrom
        (how far the minimum is from where it began), frequencies_per_cm (imaginary ones negative, without the rigid
        motions; empty above 200 atoms, and where forces were not finite), rotors: the barrier of each rigid rotation of
        a group, and scan: barrier_ev, reference_barrier_ev, max_error_ev, or None.

    Raises:
        UserError: a scan that cannot be read or has other atoms.
    """
    relaxed, fmax, vibrations = _minimum(subject)
    prediction = subject.compute(subject.reference)
    figures: dict[str, Any] = {
        "max_force_ev_per_angstrom": fmax,
        "changed_bonds": _changed_bonds(subject.reference, relaxed),
        "imaginary_modes": None if vibrations is None else _imaginary(vibrations[0]),
        "rigid_mode_per_cm": None if vibrations is None else float(np.abs(vibrations[1]).max()),
    }
    frequencies = np.zeros(0) if vibrations is None or not np.isfinite(vibrations[0]).all() else vibrations[0]
    energy = float(subject.energies(relaxed)[0])
    moved = np.linalg.norm(relaxed.positions[0] - subject.reference.positions[0], axis=1)
    return {
        **judge("geometry", figures),
        **figures,
        "relaxation_ev": energy - float(prediction.energies[0]),
        "relaxation_angstrom": float(moved.max()),
        "frequencies_per_cm": [round(f, 3) for f in np.sort(frequencies).tolist()],
        "relaxed_positions": relaxed.positions[0].tolist(),
        "rotors": [] if relaxed.periodic else rotors(subject, relaxed),
        "scan": None if scan is None else compare_scan(subject, scan),
    }


def relax(subject: Subject, frames: Frames) -> tuple[Frames, float]:
    """The nearest minimum, the cell as it is, and the largest force on an atom of it, eV/Å.

    Where forces are not finite it ends, and the largest force is not a number.
    """
    from ase.optimize import BFGS, LBFGS

    atoms = to_atoms(frames)
    atoms.calc = SubjectCalculator(subject)
    # The Hessian that BFGS carries along costs more than the forces in a large box.
    optimiser = (BFGS if len(atoms) <= MOST_ATOMS else LBFGS)(atoms, logfile=None, maxstep=0.1)
    for _ in optimiser.irun(fmax=FMAX, steps=STEPS):
        forces: Floats = atoms.get_forces()
        if not np.isfinite(forces).all():
            break
    return frames.at(atoms.positions[None]), float(np.linalg.norm(forces, axis=1).max())


def vibrations_of(subject: Subject, frames: Frames) -> tuple[Floats, Floats, Floats]:
    """Harmonic frequencies: ω² are the eigenvalues of M^-½ H M^-½ with the rigid motions projected out.

    Returns:
        frequencies of the vibrations, cm⁻¹, imaginary ones negative; of the rigid motions, before the projection; and
        the mass-weighted displacement (N, 3) of the lowest vibration. None is a number where a force was not finite.
    """
    masses = np.repeat(to_atoms(frames).get_masses(), 3)
    hessian = _hessian(subject, frames) / np.sqrt(np.outer(masses, masses))
    rigid = _rigid_motions(frames, masses)
    if not np.isfinite(hessian).all():
        return np.full(len(masses) - len(rigid), np.nan), np.full(len(rigid), np.nan), np.zeros((frames.n_atoms, 3))
    along = np.einsum("ki,ij,kj->k", rigid, hessian, rigid)
    keep = np.eye(len(masses)) - rigid.T @ rigid
    values, modes = np.linalg.eigh(keep @ hessian @ keep)
    vibrating = np.argsort(np.abs(np.einsum("ki,ij->kj", rigid, modes)).max(axis=0))[: len(masses) - len(rigid)]
    vibrating.sort()
    values, modes = values[vibrating], modes[:, vibrating]
    return _per_cm(values), _per_cm(along), modes[:, 0].reshape(-1, 3)


def _minimum(subject: Subject) -> tuple[Frames, float, tuple[Floats, Floats] | None]:
    """Relaxed structure, its largest force, and frequencies of vibrations and rigid motions (None for large ones).

    A relaxation from a symmetric structure may end on a saddle; then it goes on from a little beside it.
    """
    relaxed, fmax = relax(subject, subject.reference)
    if relaxed.n_atoms > MOST_ATOMS or relaxed.n_atoms == 1:
        return relaxed, fmax, None
    masses = to_atoms(relaxed).get_masses()[:, None]
    frequencies, rigid, lowest = vibrations_of(subject, relaxed)
    for _ in range(ATTEMPTS):
        if not frequencies.min(initial=0.0) < -IMAGINARY:  # nor where it is not a number
            break
        relaxed, fmax = relax(subject, relaxed.at(relaxed.positions + ALONG * lowest / np.sqrt(masses)))
        frequencies, rigid, lowest = vibrations_of(subject, relaxed)
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
    return len(bonds.without(found).pairs) + int((moved > MADE).sum())


def _imaginary(frequencies: Floats) -> float:
    """How many are imaginary, which nobody knows of what is not a number."""
    return int((frequencies < -IMAGINARY).sum()) if np.isfinite(frequencies).all() else np.nan


def _hessian(subject: Subject, frames: Frames) -> Floats:
    """Slopes of the forces (3N, 3N), eV/Å², by differences of fourth order, symmetrised."""
    size = 3 * frames.n_atoms
    moves = DISPLACEMENT * np.eye(size).reshape(size, -1, 3)

    def forces(factor: float) -> Floats:
        return subject.compute(frames.at(frames.positions + factor * moves)).forces.reshape(size, size)

    slopes = slope(forces, DISPLACEMENT)
    hessian: Floats = -0.5 * (slopes + slopes.T)
    return hessian


def _rigid_motions(frames: Frames, masses: Floats) -> Floats:
    """Orthonormal mass-weighted shifts, and turns of a free molecule: (6, 3N), (5, 3N) if it is linear, or (3, 3N)."""
    weights = np.sqrt(masses).reshape(-1, 3)
    arms = frames.positions[0] - np.average(frames.positions[0], axis=0, weights=weights[:, 0] ** 2)
    motions = [weights * axis for axis in np.eye(3)]
    if not frames.periodic:
        motions += [weights * np.cross(axis, arms) for axis in np.eye(3)]
    _, sizes, basis = np.linalg.svd(np.reshape(motions, (len(motions), -1)), full_matrices=False)
    rigid: Floats = basis[sizes > STRAIGHT * sizes[0]]
    return rigid


def _per_cm(values: Floats) -> Floats:
    """From ω², eV/(Å² amu), to wavenumbers; negative ones for negative values."""
    omega = np.sign(values) * np.sqrt(np.abs(values)) * np.sqrt(ase.units._e / ase.units._amu) * 1e10  # 1/s
    frequencies: Floats = omega * ase.units._hbar / ase.units._e / ase.units.invcm
    return frequencies
