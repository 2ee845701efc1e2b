"""More features are drawn than are kept: those are kept that explain most of the rows.

symbol                here
Σ_i w_i ΦᵢᵀΦᵢ         ``weighted``, w_i with the equations of each kind of rows
D                     ``scale`` squared: the diagonal of that sum
A = D^-½ (Σ …) D^-½   ``part`` gives any part of it
b = D^-½ Σ_i w_i Φᵢᵀyᵢ   ``rhs``
P                     ``chosen``
"""

from __future__ import annotations

import numpy as np

from rfp_md.arrays import Floats, Ints
from rfp_md.linalg.ridge import column_scale
from rfp_md.linalg.selection import select_columns
from rfp_md.progress import Progress
from rfp_md.regressors.fitting.accumulate import Accumulator
from rfp_md.regressors.fitting.solve import Weights

SELECTION_REGULARIZATION = 1e-12  # while features are selected; about what is best for the solve


def select_features(accumulator: Accumulator, count: int, weights: Weights, progress: Progress) -> None:
    """Keep so many features, those that explain most of the rows so far, and at least one of each block.

    They are chosen in the weighted sum of the equations, scaled to unit diagonal: D^-½ (Σ_i w_i ΦᵢᵀΦᵢ) D^-½.
    """
    progress.start("Choosing features", count, "features")
    weighted = list(zip(weights, accumulator.equations, strict=False))
    scale = column_scale(np.asarray(sum(w * gram.diagonal() for w, gram in weighted)), scaled=True)
    rhs = sum(w * gram.rhs for w, gram in weighted) / scale

    def part(rows: Ints, columns: Ints) -> Floats:
        total = sum(w * gram.part(rows, columns) for w, gram in weighted)
        return np.asarray(total / scale[rows, None] / scale[columns])

    chosen = select_columns(part, rhs, count, SELECTION_REGULARIZATION, progress)
    spans = [(block.columns.start, block.columns.stop) for block in accumulator.blocks]
    left_out = [start for start, stop in spans if not ((chosen >= start) & (chosen < stop)).any()]
    accumulator.restrict(np.sort(np.append(chosen, np.array(left_out, dtype=np.int64))))
