"""Where a replica that broke left what its model knows: structures that mend the model, once they are computed.

Where it broke, a molecule may be in pieces that no reference method should be asked about, and a model that is told
of them gets worse; shortly before, where the forces began to be uncertain, it was a molecule
(``python -m tests.benchmarks.remedy``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from rfp_md.arrays import Floats
from rfp_md.errors import GeometryError, UserError
from rfp_md.frames import Dataset, Frames
from rfp_md.io.write import write
from rfp_md.potential import Potential
from rfp_md.progress import Progress

LOOKS = 20  # that are kept
UNSURE = 1.0  # eV/Å


class Lookback:
    """The last looks at some replicas.

    Args:
        model: one that says how uncertain it is.
    """

    def __init__(self, model: Potential) -> None:
        self._model = model
        self._past: list[Floats] = []  # positions (R, N, 3), the latest last

    def see(self, positions: Floats) -> None:
        """Look at the replicas' positions (R, N, 3)."""
        self._past = [*self._past, positions.copy()][-LOOKS:]

    def keep(self, alive: np.typing.NDArray[np.bool_]) -> None:
        """Forget all replicas but these (R,)."""
        self._past = [positions[alive] for positions in self._past]

    def departure(self, k: int) -> Floats:
        """Find a replica's positions (N, 3) at the first look at which a force was uncertain; the last, if none was."""
        past = np.array([positions[k] for positions in self._past])
        unsure = largest_uncertainties(self._model, self._model.reference.at(past)) > UNSURE
        departure: Floats = past[int(unsure.argmax()) if unsure.any() else -1]
        return departure

    def state(self) -> list[Any]:
        """Give what was seen, as in JSON."""
        return [positions.tolist() for positions in self._past]

    def restore(self, state: list[Any]) -> None:
        """Go back to what a ``state`` had seen."""
        self._past = [np.array(positions, dtype=np.float64) for positions in state]


def largest_uncertainties(model: Potential, frames: Frames) -> Floats:
    """Find the largest uncertainty of an atom's force in each structure (M,), eV/Å.

    Infinite where the model has nothing to say of a structure.
    """
    try:
        largest: Floats = model.uncertainty(frames).atoms.max(axis=1)
        return largest
    except GeometryError:
        if len(frames) == 1:
            return np.array([np.inf])
        return np.concatenate([largest_uncertainties(model, frames[k : k + 1]) for k in range(len(frames))])


def write_departures(stability: dict[str, Any], reference: Frames, file: Path, progress: Progress) -> None:
    """Write the structures in which replicas left what their model knows, if there are any."""
    breaks = stability.get("breaks", ())
    positions = [event["departure_positions"] for event in breaks if "departure_positions" in event]
    if not positions:
        return
    try:
        write(Dataset((reference.at(np.array(positions)),)), file)
    except UserError as error:
        progress.message(f"warning: {error}")
        return
    progress.message(
        f"{file}: {len(positions)} structures in which replicas left what the model knows; computed with the "
        "reference method and added to the training frames, they may mend it"
    )
