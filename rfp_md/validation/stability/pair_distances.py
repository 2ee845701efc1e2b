"""How often two atoms of a molecule are a distance apart: h(r), as Fu et al. (arXiv:2210.07237) compare it.

h(r) = 2 / (N (N − 1)) Σ_{i<j} δ(r − |r_i − r_j|),   ∫ h dr = 1,   MAE = ∫ |h(r) − h_ref(r)| dr, between 0 and 2
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rfp_md.arrays import Floats, Ints
from rfp_md.errors import UserError
from rfp_md.prediction import AnyPotential
from rfp_md.validation.stability.result import PairDistances

WIDTH = 0.05  # Å
LONGEST = 30.0  # Å; beyond it everything is one
EDGES = np.arange(0.0, LONGEST + WIDTH / 2, WIDTH)
FEWEST_FRAMES = 100  # to compare with


def counts(positions: Floats) -> Ints:
    """Pairs of M structures (M, N, 3) in each bin (B,)."""
    first, second = np.triu_indices(positions.shape[1], 1)
    arms = positions[:, first] - positions[:, second]
    distances = np.sqrt(np.einsum("mpx,mpx->mp", arms, arms))
    bins = np.minimum((distances / WIDTH).astype(np.int64), len(EDGES) - 2)
    return np.bincount(bins.ravel(), minlength=len(EDGES) - 1).astype(np.int64)


def density(found: Ints) -> Floats:
    """h at the middles of the bins (B,), 1/Å."""
    h: Floats = found / max(1, found.sum()) / WIDTH
    return h


def mean_absolute_error(found: Ints, reference: Ints) -> float:
    """∫ |h − h_ref| dr."""
    return float(np.abs(density(found) - density(reference)).sum() * WIDTH)


def curve(found: Ints) -> PairDistances:
    """h(r) up to the last pair, for a picture."""
    end = int(np.flatnonzero(found).max()) + 2 if found.any() else 1
    return PairDistances(
        r_angstrom=[round(r, 4) for r in (EDGES[:end] + WIDTH / 2).tolist()],
        h_per_angstrom=[round(h, 6) for h in density(found)[:end].tolist()],
    )


def reference_counts(potential: AnyPotential, data: str | Path) -> Ints:
    """Pair distances of reference frames of the potential's molecule.

    Raises:
        UserError: they are of another molecule, or periodic as it is not, or too few: their noise would be its error.
    """
    from rfp_md.io import read

    found: Ints = np.zeros(len(EDGES) - 1, dtype=np.int64)
    dataset = read(data)
    for block in dataset:
        if not np.array_equal(np.sort(block.numbers), np.sort(potential.reference.numbers)):
            raise UserError(f"--data {data}: has other atoms than the potential; give frames of the same molecule")
        if block.periodic and not potential.reference.periodic:
            raise UserError(
                f"--data {data}: is periodic, but the potential starts from a free molecule, whose distances are not "
                "those through a cell's faces; give frames of the free molecule, without a periodic cell"
            )
        found += counts(block.positions)
    if len(dataset) < FEWEST_FRAMES:
        raise UserError(
            f"--data {data}: holds {len(dataset)} frames, of which h(r) is mostly noise; give at least {FEWEST_FRAMES}"
        )
    return found
