import dataclasses

import pytest

from rfp_md.errors import UserError
from rfp_md.validation.forces.check_forces import check_forces
from tests.validation.analytic_potentials import water


def test_exact_forces_pass(potential):
    result = check_forces(potential, n_structures=2)
    assert result.passed
    assert result.max_abs_error_ev_per_angstrom < 1e-6
    assert result.max_abs_force_ev_per_angstrom > 1.0


def test_forces_that_are_a_little_wrong_fail(potential, monkeypatch):
    pullback = type(potential.descriptors[0]).pullback

    def wrong(self, frames, gradient):
        return pullback(self, frames, gradient) * (1 + 1e-5)

    monkeypatch.setattr(type(potential.descriptors[0]), "pullback", wrong)
    assert not check_forces(dataclasses.replace(potential), n_structures=1).passed


def test_the_same_seed_gives_the_same_figures_and_another_one_other_structures():
    assert check_forces(water(), quick=True, seed=1) == check_forces(water(), quick=True, seed=1)
    forces = [check_forces(water(), quick=True, seed=seed).max_abs_force_ev_per_angstrom for seed in (1, 2)]
    assert forces[0] != forces[1]
    with pytest.raises(UserError, match="--seed -1: must not be negative"):
        check_forces(water(), seed=-1)


def test_quick_is_fewer_structures_and_fewer_stretches():
    quick, full = check_forces(water(), quick=True), check_forces(water())
    assert (quick.n_components, full.n_components) == (18, 45)
    assert len(quick.scans) < len(full.scans)
    assert len(quick.error_curve) == len(full.error_curve) == 7
    assert full.verdict == "pass"
