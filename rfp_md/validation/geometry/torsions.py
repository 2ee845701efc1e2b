"""Barriers: groups turned about the bond that they hang on, and scans that somebody has computed."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rfp_md.errors import GeometryError, UserError
from rfp_md.frames import Frames
from rfp_md.prediction import AnyPotential
from rfp_md.structures.bonds import Bonds, Mask
from rfp_md.validation.geometry.result import Rotor, Scan

ANGLES = np.arange(0, 360, 10)  # degrees
MOST = 12  # bonds that are turned


def rotors(potential: AnyPotential, frames: Frames) -> list[Rotor]:
    """Turn groups rigidly about each bond that is in no ring and has something on both ends, and compute the energy.

    Nothing relaxes, so that a barrier is an upper bound; a group that meets another one has a high one, and one that
    runs right into another, where the potential has nothing to say, none.

    Args:
        frames: the minimum.

    Returns:
        one for each bond, 12 at most.
    """
    bonds = Bonds.of(frames)
    neighbours = bonds.matrix.sum(axis=0)
    found: list[Rotor] = []
    for first, second in bonds.pairs.tolist():
        if len(found) == MOST:
            break
        if min(neighbours[first], neighbours[second]) < 2 or bonds.in_ring(first, second):
            continue
        turning, staying = bonds.side_of(first, second), bonds.side_of(second, first)
        if turning.sum() > staying.sum():
            first, second, turning = second, first, staying
        try:
            profile = potential.energies(_turned(frames, first, second, turning))
        except GeometryError:
            continue  # the group runs right into another one
        found.append(
            Rotor(
                bond=[first, second],
                turning=int(turning.sum()),
                barrier_ev=float(np.ptp(profile)),
                profile_ev=[round(e, 6) for e in (profile - profile.min()).tolist()],
            )
        )
    return found


def _turned(frames: Frames, first: int, second: int, turning: Mask) -> Frames:
    """The structure with some atoms turned by each of the angles about the axis from the first atom to the second."""
    from scipy.spatial.transform import Rotation

    positions = frames.positions[0]
    axis = positions[second] - positions[first]
    turns = Rotation.from_rotvec(np.radians(ANGLES)[:, None] * axis / np.linalg.norm(axis)).as_matrix()
    turned = np.repeat(positions[None], len(ANGLES), axis=0)
    turned[:, turning] = positions[first] + (positions[turning] - positions[first]) @ turns.transpose(0, 2, 1)
    return frames.at(turned)


def compare_scan(potential: AnyPotential, path: str | Path) -> Scan:
    """Compare a potential with a reference scan, both from the frame where the reference is lowest.

    Raises:
        UserError: a file that cannot be read, has other atoms or no energies.
    """
    frames = read_scan(potential, path)
    lowest = int(np.argmin(np.asarray(frames.energies)))
    reference, predicted = (e - e[lowest] for e in (np.asarray(frames.energies), potential.energies(frames)))
    return Scan(
        file=str(path),
        barrier_ev=float(predicted.max()),
        reference_barrier_ev=float(reference.max()),
        max_error_ev=float(np.abs(predicted - reference).max()),
        profile_ev=predicted.tolist(),
        reference_profile_ev=reference.tolist(),
    )


def read_scan(potential: AnyPotential, path: str | Path) -> Frames:
    """Read the frames of a reference scan. Raises UserError as ``compare_scan``."""
    from rfp_md.io import read

    dataset = read(path)
    block = dataset.blocks[0]
    if len(dataset.blocks) != 1 or not np.array_equal(block.numbers, potential.reference.numbers):
        raise UserError(f"--scan {path}: must hold structures of the potential's atoms in their order, and no others")
    if block.energies is None:
        raise UserError(f"--scan {path}: has no energies to compare the barrier with")
    return block
