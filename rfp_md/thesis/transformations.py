"""What sections 3.2.1 and 3.2.2 of the thesis do to the test frames: translate, rotate, permute.

Each transformation comes in two versions. As physics demands: forces turn with the molecule, and only like
atoms change places. As the thesis did it: all atoms change places, elements mixed, and the force labels stay
what they were, so that even a perfect model fails. (The author's matrix for ethanol has a misprint and is
no rotation; here it is one.)
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rfp_md.frames import Frames

SHIFT = 40.0  # Å, on every coordinate
ROTATION = np.array([[0.36, 0.48, -0.8], [-0.8, 0.6, 0.0], [0.48, 0.64, 0.6]])


def transform(frames: Frames, transformation: str, rng: np.random.Generator) -> tuple[Frames, Frames]:
    """The frames as physics demands and as the thesis did it.

    Args:
        transformation: none, T, TR or PTR; what stands to the right is done first.
    """
    if transformation == "none":
        return frames, frames
    physics = thesis = frames
    if transformation.startswith("P"):
        like = np.arange(frames.n_atoms)
        for z in np.unique(frames.numbers):
            atoms = np.flatnonzero(frames.numbers == z)
            like[atoms] = rng.permutation(atoms)
        anyhow = rng.permutation(frames.n_atoms)
        forces = None if frames.forces is None else frames.forces[:, like]
        physics = replace(frames, positions=frames.positions[:, like], forces=forces)
        thesis = replace(frames, numbers=frames.numbers[anyhow], positions=frames.positions[:, anyhow])
    if "R" in transformation:
        forces = None if physics.forces is None else physics.forces @ ROTATION.T
        physics = replace(physics, positions=physics.positions @ ROTATION.T, forces=forces)
        thesis = replace(thesis, positions=thesis.positions @ ROTATION.T)
    return tuple(replace(part, positions=part.positions + SHIFT) for part in (physics, thesis))  # type: ignore[return-value]
