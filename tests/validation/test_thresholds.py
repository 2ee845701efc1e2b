"""The table of limits: nothing in it is idle, and nothing that is not a number passes."""

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from hypothesis import given
from hypothesis import strategies as st

from rfp_md.calculators.as_potential import CalculatorPotential
from rfp_md.frames import Frames
from rfp_md.validation.checks import names
from rfp_md.validation.figures import Verdict
from rfp_md.validation.forces.check_forces import check_forces
from rfp_md.validation.geometry.check_geometry import check_geometry
from rfp_md.validation.nve.check_nve import check_nve
from rfp_md.validation.stability.check_stability import check_stability
from rfp_md.validation.thresholds import judge, limits_of
from tests.validation.analytic_potentials import water

RUNS = {
    "forces": lambda potential: check_forces(potential, quick=True),
    "nve": lambda potential: check_nve(potential, length=0.02, temperature=300.0),
    "stability": lambda potential: check_stability(potential, length=0.01, replicas=1),
    "geometry": check_geometry,
}
LIMITS = [
    pytest.param(check, figure, limits_of(check)[figure], id=f"{check}-{figure}")
    for check in names()
    for figure in limits_of(check)
]
every_limit = pytest.mark.parametrize(("check", "name", "figure"), LIMITS)


@pytest.mark.parametrize("check", RUNS)
def test_every_figure_of_the_table_is_one_that_its_check_gives(check):
    result = RUNS[check](water())
    listed = set(limits_of(check))
    assert listed <= set(result.as_dict())
    absent = {"max_stress_error_ev_per_angstrom3", "pair_distance_mae"}  # of a molecule, and without reference frames
    assert set(result.verdicts) == listed - absent


def test_a_check_has_no_run_here():
    assert list(RUNS) == names()


def test_the_stress_of_a_crystal_is_judged():
    atoms = bulk("Cu", cubic=True)
    frames = Frames(
        atoms.numbers.astype(np.int64), atoms.positions[None], cells=atoms.cell.array[None], pbc=(True,) * 3
    )
    result = check_forces(CalculatorPotential(EMT(), frames), n_structures=1)
    assert "max_stress_error_ev_per_angstrom3" in result.verdicts


@every_limit
def test_strict_is_not_looser_than_default(check, name, figure):
    limit = figure.limit
    assert limit.strict >= limit.default if limit.at_least else limit.strict <= limit.default
    assert figure.meaning
    assert limit.source


@every_limit
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_fails(check, name, figure, value):
    assert figure.limit.judge(value) is Verdict.failed
    assert not judge(check, {name: value})["passed"]


@every_limit
@given(near=st.floats(0, 1e3), more=st.floats(0, 1e3), side=st.sampled_from([-1, 1]))
def test_what_is_farther_off_is_never_judged_better(check, name, figure, near, more, side):
    limit = figure.limit
    if limit.at_least:
        assert limit.judge(1e3 - near - more) >= limit.judge(1e3 - near)
    else:
        assert limit.judge(limit.target + side * (near + more)) >= limit.judge(limit.target + side * near)


def test_the_dt2_ratio_may_be_off_to_both_sides():
    verdicts = [judge("nve", {"dt2_ratio": ratio})["verdict"] for ratio in (1, 3.3, 4, 4.7, 16)]
    assert verdicts == ["fail", "pass with warnings", "pass", "pass with warnings", "fail"]


def test_one_bad_figure_is_the_verdict_of_all():
    figures = {"net_force_ev_per_angstrom": 0.0, "rotation_error": 5e-6, "permutation_error": 1.0}
    assert judge("forces", figures)["verdict"] == "fail"
    assert judge("forces", figures, lenient=["permutation_error"])["verdict"] == "pass with warnings"
    assert judge("forces", figures | {"permutation_error": None})["verdict"] == "pass with warnings"
