"""The solver: from normal equations, weights and λ to a readout. It sees matrices and nothing else.

(Σ_i w_i ΦᵢᵀΦᵢ + λ D) c = Σ_i w_i Φᵢᵀyᵢ

symbol          here
ΦᵢᵀΦᵢ, Φᵢᵀyᵢ    ``equations``, one for each kind of rows
w_i             ``weights``
Σ_i w_i ΦᵢᵀΦᵢ   ``Solver.system``, scaled by D if that is the matrix's own diagonal (``scaled``), else D = 1
λ               ``regularization``
c               ``Solution.coefficients``
ξ, δ            ``noise``, and the ``Solution.draws`` of covariance (Σ_i w_i ΦᵢᵀΦᵢ + λ D)⁻¹ that are made of it
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from rfp_md.arrays import Floats
from rfp_md.errors import UserError
from rfp_md.linalg.gram import NormalEquations, weighted_sum
from rfp_md.linalg.ridge import Ridge, Solution
from rfp_md.progress import Progress

Weights = tuple[float, ...]  # of the energies, the slopes and the strain slopes
LARGEST_RAISED = 100.0  # times the largest λ that was asked for


class System(Protocol):
    """One symmetric system, for any λ."""

    def cholesky(self, regularization: float) -> Solution | None:
        """Solve it; None where it is not positive definite to rounding."""

    def eigenvalues(self, regularization: float) -> Solution:
        """Solve it, whatever it is like."""


class Solver:
    """Solves one set of normal equations for any weights w and any λ.

    Attributes:
        failed: how many factorisations failed so far.
        prior_weight: of the rows of the prior, if there are any, beside the weights w.
    """

    def __init__(
        self,
        equations: Sequence[NormalEquations],
        progress: Progress,
        *,
        scaled: bool = True,
        noise: Floats | None = None,
        prior: NormalEquations | None = None,
    ) -> None:
        """Solve these equations as they are at the moment of a solve: they may grow.

        Args:
            scaled: λ is relative to the diagonal; else D = 1.
            noise: ξ (K, P), standard normal, of which every solution's draws are made.
            prior: of rows that judge nothing and have no weight of their own in w.
        """
        self.failed, self.prior_weight, self._prior = 0, 1.0, prior
        self._equations, self._progress, self._scaled, self._noise = equations, progress, scaled, noise

    @property
    def n_kinds(self) -> int:
        """How many weights there are."""
        return len(self._equations)

    def solve(self, weights: Weights, regularization: float, label: str) -> Solution:
        """The solution for one λ; where its factorisation fails, for a larger one or by eigenvalues, with a message."""
        self._progress.start(label, 1, "solves")
        system = self.system(weights)
        solution = self.attempt(system, regularization)
        if solution is None:
            self.report(1, 1)
            solution = self.raise_regularization(system, regularization)
        check_finite(solution)
        return solution

    def system(self, weights: Weights) -> System:
        """The weighted sum of the equations, ready for any λ."""
        return Ridge(*self._sum(weights), scaled=self._scaled, noise=self._noise)

    def _sum(self, weights: Weights) -> tuple[Floats, Floats]:
        """The weighted sum of the equations, those of the prior among them."""
        equations, factors = list(self._equations), list(weights[: self.n_kinds])
        if self._prior is not None and self.prior_weight:
            equations.append(self._prior)
            factors.append(self.prior_weight)
        return weighted_sum(equations, factors)

    def attempt(self, system: System, regularization: float) -> Solution | None:
        """The solution by Cholesky, or None where the factorisation fails, which is counted."""
        solution = system.cholesky(regularization)
        self._progress.advance(1)
        if solution is None:
            self.failed += 1
        return solution

    def raise_regularization(self, system: System, regularization: float) -> Solution:
        """A little more λ costs little; an eigendecomposition takes many times as long and twice the memory."""
        raised = regularization
        while raised < LARGEST_RAISED * regularization:
            raised *= 10.0
            self._progress.message(f"trying regularization {raised:g} instead")
            if (solution := system.cholesky(raised)) is not None:
                return solution
        self._progress.message(f"falling back to an eigendecomposition at regularization {regularization:g}")
        return system.eigenvalues(regularization)

    def report(self, failed: int, tried: int) -> None:
        """Say how many factorisations failed."""
        self._progress.message(
            f"Cholesky failed for {failed} of {tried} regularizations: the Gram matrix is singular to rounding there"
        )


def check_finite(solution: Solution) -> None:
    """Raise UserError for a readout that is not finite."""
    if not (np.isfinite(solution.coefficients).all() and np.isfinite(solution.residual)):
        raise UserError("the fit overflowed; are the energies and forces of the data in a sensible unit?")
