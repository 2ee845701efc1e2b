"""Checks of a regressor."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from rfp_md.arrays import Floats
from rfp_md.errors import UserError
from rfp_md.linalg.differences import central_difference
from rfp_md.plugins.arrays import Surroundings, Term
from rfp_md.plugins.guard import check_fitted
from rfp_md.progress import Progress
from rfp_md.regressors.base import Regressor
from rfp_md.sites import Sites
from rfp_md.testing.made_again import made_again
from rfp_md.testing.numbers import far, want_array
from rfp_md.testing.outcomes import Outcome, fail, raise_failures, run_checks, skip
from rfp_md.testing.synthetic import synthetic, whole

SAME = 1e-9  # the same computation done twice or in another order, relative to the largest number
MEAN = 1e-6  # the same for sums of members, whose readouts are large and cancel
DERIVATIVE = 1e-6  # against central differences, relative to the largest gradient
STEP = 1e-4  # of central differences
LEARNED = 0.5  # of the targets' spread: a mean error that any useful fit is below
WIDTHS = (None, 40)  # of the two terms


def check_regressor(regressor: Regressor) -> None:
    """Raise AssertionError with one sentence for each defect.

    Args:
        regressor: as made from its parameters, not yet fitted.
    """
    raise_failures(regressor.name, regressor_outcomes(regressor))


def regressor_outcomes(regressor: Regressor) -> list[Outcome]:
    """Run every check; nothing is raised."""
    return run_checks(RegressorChecks(regressor).all())


@dataclass(frozen=True)
class RegressorChecks:
    """The checks of one regressor on synthetic sites of two terms."""

    regressor: Regressor

    def all(self) -> list[Callable[[], None]]:
        """Every check, in the order of the table."""
        return [
            self.fit_report,
            self.shapes_and_dtypes,
            self.input_not_changed,
            self.batch_equals_single,
            self.derivative,
            self.learns,
            self.same_seed_same_fit,
            self.save_and_load,
            self.committee,
            self.threads,
        ]

    @cached_property
    def fitted(self) -> Regressor:
        """A new regressor of the same parameters, fitted to the synthetic samples."""
        return self.fit()[0]

    @cached_property
    def terms(self) -> list[Sites]:
        """The sites of 20 structures that it was not fitted to."""
        return whole(synthetic(20, seed=2)).terms

    def fit(self) -> tuple[Regressor, dict[str, Any]]:
        """A new regressor, fitted, and what its fit reported."""
        new = type(self.regressor)(**self.regressor.model_dump())
        rng = np.random.default_rng(0)
        report = new.fit(synthetic(200, seed=0), synthetic(50, seed=1), WIDTHS, rng, Progress())
        return new, report

    def fit_report(self) -> None:
        """Its fit returns what JSON can hold, and what it learns can be stored."""
        fitted, report = self.fit()
        if not isinstance(report, dict):
            fail(f"fit returns {type(report).__name__}; return a dict of what was chosen, {{}} if nothing was")
        check_fitted(fitted, report)

    def shapes_and_dtypes(self) -> None:
        """It predicts energies and a gradient for each term, of the right shapes."""
        energies, gradients = self.fitted.predict(self.terms)
        want_array("predict, energies", energies, (20,))
        if len(gradients) != len(self.terms):
            fail(f"predict gives {len(gradients)} gradients for {len(self.terms)} terms; return one for each")
        for k, (gradient, sites) in enumerate(zip(gradients, self.terms, strict=True)):
            want_array(f"predict, gradient of term {k}", gradient, sites.values.shape)

    def input_not_changed(self) -> None:
        """The sites that it is given stay as they are."""
        before = [sites.values.copy() for sites in self.terms]
        self.fitted.predict(self.terms)
        if any(not np.array_equal(sites.values, kept) for sites, kept in zip(self.terms, before, strict=True)):
            fail("predict changes the sites that it is given; work on a copy")

    def batch_equals_single(self) -> None:
        """Each structure has the same energy alone and among others."""
        together = self.fitted.predict(self.terms)[0]
        alone = np.concatenate([self.fitted.predict([one(sites, k) for sites in self.terms])[0] for k in range(20)])
        if far(together, alone, SAME):
            fail("predict gives other energies for one structure than for the same one in a batch")

    def derivative(self) -> None:
        """Its gradients are the derivatives of its energies, against central differences, where it is smooth."""
        if not self.regressor.smooth:
            skip("it declares that it is not smooth")
        _, gradients = self.fitted.predict(self.terms)
        for term, gradient in enumerate(gradients):
            for place in np.ndindex(*gradient.shape[1:]):
                numerical = self.difference(term, place)
                error = np.abs(gradient[:, place[0], place[1]] - numerical).max()
                if error > DERIVATIVE * max(1.0, np.abs(gradient).max()):
                    fail(
                        f"the gradient of term {term}, site {place[0]}, component {place[1]} is off by {error:.2g} "
                        "from central differences of the energy"
                    )

    def learns(self) -> None:
        """It learns energies and slopes of a smooth function, where it is universal."""
        if not self.regressor.universal:
            skip("it declares that it is not universal")
        targets = whole(synthetic(20, seed=2), derivatives=True)
        energies, gradients = self.fitted.predict(self.terms)
        error = np.abs(energies - targets.energies).mean() / targets.energies.std()
        if error > LEARNED:
            fail(f"its energies are off by {error:.2g} of their spread; it has not learned a smooth function")
        if self.regressor.smooth and targets.slopes is not None:
            slopes = np.zeros_like(targets.slopes)
            for gradient, sites in zip(gradients, targets.terms, strict=True):
                slopes += np.einsum("msd,msdc->mc", gradient, np.asarray(sites.jacobian))
            error = np.abs(slopes - targets.slopes).mean() / targets.slopes.std()
            if error > LEARNED:
                fail(f"its slopes are off by {error:.2g} of their spread; slopes are dE/d(coordinates), not forces")

    def same_seed_same_fit(self) -> None:
        """Two fits with one seed predict the same."""
        if far(self.fitted.predict(self.terms)[0], self.fit()[0].predict(self.terms)[0], SAME):
            fail("two fits with one seed differ; use the generator that fit is given for everything random")

    def save_and_load(self) -> None:
        """Made again from its parameters and state, it predicts the same."""
        terms = tuple(Term(sites.values.shape[2], tuple(sorted(set(sites.types.tolist())))) for sites in self.terms)
        again = made_again(self.fitted, Surroundings((), 0, terms))
        if far(self.fitted.predict(self.terms)[0], again.predict(self.terms)[0], SAME):
            fail("made again from its parameters and state, it predicts something else; keep what it learned in state")

    def committee(self) -> None:
        """Its committee, if it has one, has two members or more, whose mean is the model."""
        try:
            energies, gradients = self.fitted.committee(self.terms)
        except UserError as error:
            skip(f"it has no committee: {error}")
        n_members = len(energies)
        if n_members < 2:
            fail("committee gives fewer than two members; their spread is what is wanted")
        want_array("committee, energies", energies, (n_members, 20))
        if len(gradients) != len(self.terms):
            fail(f"committee gives {len(gradients)} gradients for {len(self.terms)} terms; return one for each")
        for k, (gradient, sites) in enumerate(zip(gradients, self.terms, strict=True)):
            want_array(f"committee, gradient of term {k}", gradient, (n_members, *sites.values.shape))
        expected, whole_gradients = self.fitted.predict(self.terms)
        if far(energies.mean(axis=0), expected, MEAN):
            fail("the mean of the committee's energies is not what predict gives; centre the members on it")
        both = zip(gradients, whole_gradients, strict=True)
        if any(far(members.mean(axis=0), gradient, MEAN) for members, gradient in both):
            fail("the mean of the committee's gradients is not what predict gives; centre the members on it")

    def threads(self) -> None:
        """Several threads that predict at once get the same energies."""
        expected = self.fitted.predict(self.terms)[0]
        with ThreadPoolExecutor(4) as executor:
            several = list(executor.map(lambda _: self.fitted.predict(self.terms)[0], range(16)))
        if any(far(expected, energies, SAME) for energies in several):
            fail("several threads that predict at once get other energies; do not share scratch space")

    def difference(self, term: int, place: tuple[int, ...]) -> Floats:
        """The derivative of the energies (M,) with respect to one component of one site, by central differences."""

        def energies(t: int) -> Floats:
            terms = list(self.terms)
            values = terms[term].values.copy()
            values[:, place[0], place[1]] += t * STEP
            terms[term] = Sites(values, terms[term].types)
            return self.fitted.predict(terms)[0]

        return central_difference(energies, STEP)


def one(sites: Sites, k: int) -> Sites:
    """The sites of structure k alone."""
    return Sites(sites.values[k : k + 1], sites.types)
