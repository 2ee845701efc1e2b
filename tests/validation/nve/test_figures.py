"""What is made of several NVE runs: the worst, and which drifts may be chance."""

from dataclasses import replace

import pytest

from rfp_md.validation.nve.figures import DRIFTS, uncertain, undecided, worst_of_all
from rfp_md.validation.nve.result import NVERun, TracePoints
from rfp_md.validation.thresholds import judge, limits_of

DRIFT, RATIO = (limits_of("nve")[figure].limit.default for figure in DRIFTS)
STRICT = limits_of("nve")[DRIFTS[0]].limit.strict
NOTHING = TracePoints([], [])
QUIET = NVERun(
    temperature_k=300.0,
    seed=0,
    drift_mev_per_atom_per_ps=0.0,
    drift_error_mev_per_atom_per_ps=1e-3,
    drift_ratio=0.0,
    fluctuation_mev_per_atom=0.1,
    fluctuation_first_mev_per_atom=0.1,
    fluctuation_half_mev_per_atom=0.025,
    dt2_ratio=4.0,
    mean_temperature_k=300.0,
    momentum_drift=0.0,
    angular_momentum_drift=None,
    trace=NOTHING,
    first_trace=NOTHING,
    half_trace=NOTHING,
)


def run(drift=0.0, error=1e-3, ratio=0.0):
    return replace(QUIET, drift_mev_per_atom_per_ps=drift, drift_error_mev_per_atom_per_ps=error, drift_ratio=ratio)


@pytest.mark.parametrize(
    "one",
    [
        run(),
        run(drift=-0.9 * DRIFT),  # within the limit, so that it does not matter that it is real
        run(drift=-2 * DRIFT, error=DRIFT),
        run(drift=2.9 * DRIFT, error=DRIFT, ratio=2 * RATIO),
        run(drift=0.5 * DRIFT, error=0.2 * DRIFT, ratio=2 * RATIO),
        run(drift=2 * DRIFT, error=DRIFT, ratio=None),
    ],
)
def test_a_run_of_many_beyond_a_limit_by_chance_fails(one):
    assert undecided([run(), one, run()], blown_up=False) == DRIFTS


@pytest.mark.parametrize(
    "one",
    [
        run(drift=-3.1 * DRIFT, error=DRIFT),
        run(drift=0.5 * DRIFT, error=0.1 * DRIFT, ratio=2 * RATIO),
        run(drift=2 * DRIFT, error=DRIFT, ratio=1.1),
        run(drift=float("nan")),
        run(ratio=float("nan")),
    ],
)
def test_a_drift_that_is_real_passes_for_chance(one):
    assert undecided([run(), one, run()], blown_up=False) == ()


@pytest.mark.parametrize(
    ("one", "excused"),
    [
        (run(drift=1.14 * STRICT, error=0.39 * STRICT, ratio=0.002), True),  # the model of the demo, 2 ps
        (run(drift=3 * STRICT, error=0.39 * STRICT), False),
        (run(drift=1.14 * STRICT, error=0.01 * STRICT), False),
        (run(drift=float("nan")), False),
    ],
)
def test_a_drift_within_its_own_error_is_a_warning(one, excused):
    assert (DRIFTS[0] in uncertain([run(), one])) == excused


def test_a_figure_that_is_beyond_its_strict_limit_by_chance_is_told_as_such():
    of_drift = {DRIFTS[0]: 1.1 * STRICT}
    [line] = judge("nve", of_drift, uncertain=DRIFTS)["judged"]
    assert (line["verdict"], line["uncertain"]) == ("pass", True)
    [line] = judge("nve", {DRIFTS[0]: 1.1 * DRIFT}, uncertain=DRIFTS)["judged"]
    assert line["verdict"] == "fail"  # by its error or not, it is not within what is allowed


def test_a_dimer_that_flew_apart_takes_the_dt2_law_of_the_others_with_it():
    def whole(kelvin, first, half):
        fluctuations = {"fluctuation_first_mev_per_atom": first, "fluctuation_half_mev_per_atom": half}
        ratios = {"drift_ratio": None, "dt2_ratio": first / half if half else None}
        return replace(QUIET, temperature_k=kelvin, **fluctuations, **ratios)

    bound, gone = [whole(300.0, 0.39, 0.1), whole(500.0, 0.84, 0.2)], [whole(500.0, 0.0, 0.0), whole(700.0, 0.0, 0.0)]
    assert worst_of_all([*bound, *gone], blown_up=False)["dt2_ratio"] == pytest.approx(4.2)
    assert worst_of_all(gone, blown_up=False)["dt2_ratio"] is None


def test_a_run_that_blew_up_is_made_light_of():
    assert undecided([run()], blown_up=True) == ()
    assert undecided([], blown_up=True) == ()
