import dataclasses

from rfp_md.validation.forces import check_forces


def test_exact_forces_pass(potential):
    result = check_forces(potential, n_structures=2)
    assert result["passed"]
    assert result["max_abs_error_ev_per_angstrom"] < 1e-6
    assert result["max_abs_force_ev_per_angstrom"] > 1.0


def test_forces_that_are_a_little_wrong_fail(potential, monkeypatch):
    pullback = type(potential.descriptors[0]).pullback

    def wrong(self, frames, gradient):
        return pullback(self, frames, gradient) * (1 + 1e-5)

    monkeypatch.setattr(type(potential.descriptors[0]), "pullback", wrong)
    assert not check_forces(dataclasses.replace(potential), n_structures=1)["passed"]
