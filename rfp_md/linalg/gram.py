"""Normal equations that grow with the data: memory O(K²), whatever the number of rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, Self

import numpy as np
from scipy.linalg.blas import dgemm

from rfp_md.arrays import Floats, Ints

PANEL = 512  # columns


class NormalEquations(Protocol):
    """What grows with the rows of a least-squares problem: ΦᵀΦ and Φᵀy of rows that come in pieces.

    Attributes:
        rhs: Φᵀy.
    """

    rhs: Floats

    def add(self, rows: Floats, targets: Floats) -> None:
        """Add rows Φ (n, K), C-contiguous, with targets y (n,) or (n, P)."""

    def add_to(self, matrix: Floats, weight: float) -> None:
        """Add w ΦᵀΦ to the lower triangle of ``matrix`` (K, K), Fortran order; the other one is left undefined."""

    def diagonal(self) -> Floats:
        """The diagonal of ΦᵀΦ (K,)."""

    def part(self, rows: Ints, columns: Ints) -> Floats:
        """Some rows and columns of ΦᵀΦ (m, n)."""

    def restrict(self, kept: Ints) -> None:
        """Forget all features but these, in ascending order."""

    def merge(self, other: Self) -> None:
        """Add the rows of other equations of the same kind and width; the other ones stay as they are."""

    def arrays(self) -> dict[str, Floats]:
        """Everything that is known, as arrays by name."""

    @classmethod
    def from_arrays(cls, arrays: dict[str, Floats]) -> Self:
        """The equations that gave these arrays. Raises ValueError for arrays that do not fit each other."""


class Gram:
    """ΦᵀΦ itself, float64, for one y or for ``n_targets``.

    It is kept in panels of columns, each from its diagonal block down: half the memory of a square, and OpenBLAS's
    dsyrk, which would fill a triangle, crashes for some 18,000 features and more (0.3.30, two threads).
    """

    def __init__(self, width: int, n_targets: int | None = None) -> None:
        self._starts = range(0, width, PANEL)
        self._panels = [np.zeros((width - start, min(PANEL, width - start)), order="F") for start in self._starts]
        self.rhs: Floats = np.zeros(width if n_targets is None else (width, n_targets))

    def add(self, rows: Floats, targets: Floats) -> None:
        """Add rows Φ (n, K) with targets y: a product of matrices for each panel."""
        if len(rows) == 0:
            return
        by_feature = np.asfortranarray(rows)  # so that a part of the features is contiguous, as dgemm wants it
        for start, panel in zip(self._starts, self._panels, strict=True):
            some = by_feature[:, start : start + PANEL]
            dgemm(1.0, by_feature[:, start:], some, beta=1.0, c=panel, trans_a=1, overwrite_c=1)
        self.rhs += rows.T @ targets

    def add_to(self, matrix: Floats, weight: float) -> None:
        """Add w ΦᵀΦ to a lower triangle, column by column, so that no temporary array is as large as a panel."""
        for start, panel in zip(self._starts, self._panels, strict=True):
            for k, column in enumerate(panel.T):  # so that no temporary array is as large as a panel
                matrix[start + k :, start + k] += weight * column[k:]

    def diagonal(self) -> Floats:
        """The diagonal of ΦᵀΦ (K,), that of each panel after the other."""
        return np.concatenate([panel.diagonal() for panel in self._panels])

    def part(self, rows: Ints, columns: Ints) -> Floats:
        """Some rows and columns of ΦᵀΦ (m, n); what stands above the panels' diagonal blocks is taken from below."""
        part = np.empty((len(rows), len(columns)))
        for start, panel in zip(self._starts, self._panels, strict=True):
            stop = start + panel.shape[1]
            below, mine = rows >= start, (columns >= start) & (columns < stop)
            part[np.ix_(below, mine)] = panel[np.ix_(rows[below] - start, columns[mine] - start)]
            right, mine = columns >= stop, (rows >= start) & (rows < stop)
            part[np.ix_(mine, right)] = panel[np.ix_(columns[right] - start, rows[mine] - start)].T
        return part

    def restrict(self, kept: Ints) -> None:
        """Forget all features but these, in ascending order; the panels are made anew."""
        starts = range(0, len(kept), PANEL)
        panels = [np.asfortranarray(self.part(kept[start:], kept[start : start + PANEL])) for start in starts]
        self._starts, self._panels, self.rhs = starts, panels, self.rhs[kept]

    def merge(self, other: Gram) -> None:
        """Add another Gram matrix of the same width, panel by panel."""
        for mine, theirs in zip(self._panels, other._panels, strict=True):
            mine += theirs
        self.rhs += other.rhs

    def arrays(self) -> dict[str, Floats]:
        """The panels and the right-hand side by name."""
        return {"rhs": self.rhs} | {f"panels.{k}": panel for k, panel in enumerate(self._panels)}

    @classmethod
    def from_arrays(cls, arrays: dict[str, Floats]) -> Gram:
        """The Gram matrix that gave these arrays. Raises ValueError where a panel is not of this width."""
        width, *targets = arrays["rhs"].shape
        gram = cls(width, *targets)
        gram.rhs = arrays["rhs"]
        for k, panel in enumerate(gram._panels):
            if arrays[f"panels.{k}"].shape != panel.shape:
                raise ValueError(f"panel {k} is not of {width} features")
            panel[:] = arrays[f"panels.{k}"]
        return gram


class FewRows:
    """Φ itself: where there are far fewer rows than features, K × K numbers are saved."""

    def __init__(self, width: int) -> None:
        self._pieces: list[Floats] = []
        self.rhs: Floats = np.zeros(width)

    def add(self, rows: Floats, targets: Floats) -> None:
        """Keep a copy of rows Φ (n, K), and add Φᵀy."""
        self._pieces.append(rows.copy())
        self.rhs += rows.T @ targets

    def add_to(self, matrix: Floats, weight: float) -> None:
        """Add w ΦᵀΦ to ``matrix``; the product is made here, not when rows come."""
        for rows in self._joined():
            # Whole columns, for a part of them is not contiguous; no dsyrk, as in Gram.
            for start in range(0, len(matrix), PANEL):
                panel, some = matrix[:, start : start + PANEL], rows[:, start : start + PANEL]
                dgemm(weight, rows.T, some, beta=1.0, c=panel, overwrite_c=1)

    def diagonal(self) -> Floats:
        """The diagonal of ΦᵀΦ (K,): the sum of squares in each column."""
        return np.asarray(sum((np.einsum("nk,nk->k", rows, rows) for rows in self._joined()), np.zeros(len(self.rhs))))

    def part(self, rows: Ints, columns: Ints) -> Floats:
        """Some rows and columns of ΦᵀΦ (m, n), as a product of some columns of Φ."""
        part = np.zeros((len(rows), len(columns)))
        for features in self._joined():
            part += features[:, rows].T @ features[:, columns]
        return part

    def restrict(self, kept: Ints) -> None:
        """Forget all columns but these, in ascending order."""
        self._pieces, self.rhs = [rows[:, kept] for rows in self._joined()], self.rhs[kept]

    def merge(self, other: FewRows) -> None:
        """Append the rows of another one."""
        self._pieces += other._pieces
        self.rhs = self.rhs + other.rhs

    def arrays(self) -> dict[str, Floats]:
        """All rows (n, K) and the right-hand side by name."""
        return {"rhs": self.rhs, "rows": np.concatenate([np.zeros((0, len(self.rhs))), *self._pieces])}

    @classmethod
    def from_arrays(cls, arrays: dict[str, Floats]) -> FewRows:
        """The rows that gave these arrays. Raises ValueError where they have another width than the right-hand side."""
        few = cls(len(arrays["rhs"]))
        if arrays["rows"].shape[1:] != arrays["rhs"].shape:
            raise ValueError("rows and right-hand side are not of the same features")
        few._pieces, few.rhs = [arrays["rows"]], arrays["rhs"]
        return few

    def _joined(self) -> list[Floats]:
        """All rows in one piece, if there are any: a product goes through a whole matrix, however few rows it has."""
        self._pieces = [np.concatenate(self._pieces)] if self._pieces else []
        return self._pieces


def keeps_rows(n_rows: int, width: int) -> bool:
    """Whether so few rows come that they are kept as they are."""
    return 4 * n_rows <= width


def numbers_kept(n_rows: int, width: int) -> int:
    """How many numbers the normal equations of so many rows are."""
    return n_rows * width if keeps_rows(n_rows, width) else width * (width + PANEL) // 2


def weighted_sum(equations: Sequence[NormalEquations], weights: Sequence[float]) -> tuple[Floats, Floats]:
    """Σ_i w_i ΦᵢᵀΦᵢ (lower triangle) and Σ_i w_i Φᵢᵀyᵢ."""
    width = len(equations[0].rhs)
    matrix, rhs = np.zeros((width, width), order="F"), np.zeros_like(equations[0].rhs)
    for part, weight in zip(equations, weights, strict=True):
        part.add_to(matrix, weight)
        rhs += weight * part.rhs
    return matrix, rhs
