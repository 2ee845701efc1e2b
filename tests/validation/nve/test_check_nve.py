"""NVE dynamics: conserved in ASE and in real i-PI, and a wrong force is found out."""

import json
import os
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ase.units import kB

import rfp_md
from rfp_md.errors import UserError
from rfp_md.frames import Dataset, Frames
from rfp_md.prediction import Prediction
from rfp_md.progress import Progress
from rfp_md.validation.nve import engines, protocol
from rfp_md.validation.nve.check_nve import check_nve
from rfp_md.validation.nve.engines import dynamics_of
from rfp_md.validation.nve.in_ase import run_ase, warmed_up
from rfp_md.validation.nve.in_ipi import run_pair, write_run
from tests.conftest import BENZENE
from tests.validation.analytic_potentials import Molecule, PairPotential, diatomic, spring, water


@pytest.fixture
def empty_folder(monkeypatch):
    """Where temporary files go, and nothing else; its name is short, because a socket's must be."""
    with tempfile.TemporaryDirectory(prefix="t-") as name:
        monkeypatch.setattr(tempfile, "tempdir", name)
        yield Path(name)


def test_energy_is_conserved_in_ase(potential, tmp_path):
    result = check_nve(potential, length=0.5, plot=tmp_path / "nve.png")
    assert result.passed, result
    assert 3.2 <= result.dt2_ratio <= 4.8
    assert (tmp_path / "nve.png").read_bytes().startswith(b"\x89PNG")


def test_energy_is_conserved_in_real_ipi_and_nothing_is_left(potential, empty_folder):
    result = check_nve(potential, length=0.1, temperature=300.0, engine="ipi")
    assert result.passed, result
    assert list(empty_folder.iterdir()) == []
    children = subprocess.run(["ps", "--ppid", str(os.getpid()), "-o", "args="], capture_output=True, text=True).stdout
    assert "rfp_md.driver" not in children
    assert "i-pi" not in children


def test_a_force_that_is_no_gradient_fails(potential, monkeypatch):
    descriptor = type(potential.descriptors[0])
    pullback = descriptor.pullback

    def wrong(self, frames, gradient):
        force = pullback(self, frames, gradient)
        force[:, 0] *= 1.02
        return force

    monkeypatch.setattr(descriptor, "pullback", wrong)
    assert not check_nve(potential, length=0.5).passed


def test_a_run_that_is_too_short_is_refused(potential):
    with pytest.raises(UserError, match="20 to 100,000,000 steps"):
        check_nve(potential, length=0.001)


def test_an_atom_count_that_differs_from_ipi_s_is_one_sentence(potential, tmp_path):
    write_run(tmp_path, potential, steps=5, stride=1)
    text = (tmp_path / "input.xml").read_text().replace('natoms="9"', 'natoms="10"').replace("(1, 27)", "(1, 30)")
    for tag, more in (("q", "5.0, 5.0, 5.0"), ("m", "1.008"), ("names", "H")):
        text = text.replace(f" ] </{tag}>", f", {more} ] </{tag}>")
    (tmp_path / "input.xml").write_text(text)
    with pytest.raises(UserError, match="rfp-driver: the server sends 10 atoms, but the model has 9"):
        run_pair(tmp_path)


@pytest.mark.parametrize("engine", ["ipi", "lammps"])
def test_every_engine_conserves_the_same_energy(potential, engine):
    """Step by step from one start; but for their constants of nature, which differ in the ninth digit."""
    pytest.importorskip(engine, reason=f"{engine} is not installed")
    start = warmed_up(potential, 300.0, 0, 0.1)
    ours = run_ase(potential, start, 0.05, 0.5, Progress())
    theirs = dynamics_of(engine, potential)(potential, start, 0.05, 0.5, Progress())
    np.testing.assert_allclose(theirs.times, ours.times, atol=1e-9)
    changes = [1e3 * (trace.conserved - trace.conserved[0]) / 9 for trace in (ours, theirs)]
    assert np.ptp(changes[0]) > 0.05
    np.testing.assert_allclose(changes[1], changes[0], atol=1e-6)
    np.testing.assert_allclose(theirs.kinetic, ours.kinetic, atol=1e-6)
    assert theirs.conserved[0] == pytest.approx(ours.conserved[0], rel=1e-9)


def test_a_calculator_runs_in_ase_only():
    for engine in ("ipi", "lammps"):
        with pytest.raises(UserError, match=f"--engine {engine}: runs .rfp models only; .* with --engine ase"):
            check_nve(water(), length=0.02, engine=engine)


def test_every_temperature_and_seed_is_a_run_and_the_worst_of_them_counts():
    result = check_nve(water(), length=0.1, temperature=[100.0, 600.0], seeds=2, seed=5)
    runs = result.runs
    assert [(r.temperature_k, r.seed) for r in runs] == [(100.0, 5), (100.0, 6), (600.0, 5), (600.0, 6)]
    assert len({r.mean_temperature_k for r in runs}) == 4
    drifts = [r.drift_mev_per_atom_per_ps for r in runs]
    assert result.drift_mev_per_atom_per_ps == max(drifts, key=abs)
    assert result.drift_ratio == max(r.drift_ratio for r in runs)
    assert result.momentum_drift == max(r.momentum_drift for r in runs)


def test_a_run_begins_warm_and_at_rest_as_a_whole():
    """From the minimum, equipartition would leave half of the temperature."""
    starts = [warmed_up(water(), 400.0, seed, 1.0) for seed in range(8)]
    assert np.mean([2 * atoms.get_kinetic_energy() / (3 * kB) for atoms in starts]) == pytest.approx(400, rel=0.5)
    for atoms in starts:
        np.testing.assert_allclose(atoms.get_momenta().sum(axis=0), 0, atol=1e-12)
        np.testing.assert_allclose(atoms.get_angular_momentum(), 0, atol=1e-12)


def test_a_run_that_blows_up_fails_and_the_others_are_told(monkeypatch):
    stiff = diatomic(spring(100.0, 1.13))
    result = check_nve(stiff, length=5.0, timestep=20.0, temperature=300.0)
    assert not result.passed
    assert result.runs == []
    assert [(run.temperature_k, run.seed) for run in result.blown_up] == [(300.0, 0)]
    assert result.blown_up[0].text.startswith("after ")


def test_an_explosion_that_stays_finite_fails():
    assert not check_nve(water(), length=2.0, timestep=20.0, temperature=300.0).passed


class Tampered(Molecule):
    """Water on which something acts that is no gradient, or not of it alone."""

    def __init__(self, push):
        plain = water()
        super().__init__(plain.reference.numbers, plain.reference.positions[0], plain.terms)
        self.push = push

    def compute(self, frames):
        exact = super().compute(frames)
        return Prediction(exact.energies, exact.forces + self.push(frames.positions), exact.virials)


def verdicts(potential):
    return check_nve(potential, length=0.2).verdicts


def test_a_force_from_nowhere_moves_the_whole():
    found = verdicts(Tampered(lambda r: np.array([0.01, 0, 0])))
    assert found["momentum_drift"] == "fail"


def test_a_torque_from_nowhere_turns_the_whole():
    centred = np.array([0, 0, 1.0])
    found = verdicts(Tampered(lambda r: 0.1 * np.cross(centred, r - r.mean(axis=1, keepdims=True))))
    assert (found["momentum_drift"], found["angular_momentum_drift"]) == ("pass", "fail")


def test_a_force_that_remembers_does_not_run_backwards():
    calls = iter(range(10**9))

    def friction(r):
        return 0.2 * np.sin(next(calls) / 50) * (r - r.mean(axis=1, keepdims=True))

    assert verdicts(Tampered(friction))["reversal_error_angstrom"] == "fail"


def test_a_model_whose_forces_are_another_function_fails_visibly(ethanol):
    direct = rfp_md.train(Dataset((ethanol[:60],)), target="direct", regressor="rfnn:width=100")
    result = check_nve(direct, length=0.1, temperature=300.0)
    assert not result.passed
    assert result.verdicts["drift_mev_per_atom_per_ps"] == "fail"


@pytest.mark.parametrize(
    "options", [{"timestep": -1.0}, {"temperature": 0.0}, {"temperature": []}, {"seeds": 0}, {"seed": -1}]
)
def test_numbers_that_make_no_run_are_refused(options):
    with pytest.raises(UserError, match="an NVE check needs a positive temperature and timestep"):
        check_nve(water(), length=0.1, **options)


def test_a_long_timestep_leaves_too_few_samples_for_the_dt2_law():
    run = check_nve(diatomic(spring(0.01, 1.13)), length=1.2, timestep=40.0, temperature=300.0).runs[0]
    assert len(run.half_trace.time_ps) == 2 * protocol.FEWEST_STEPS + 1


@pytest.mark.parametrize("engine", ["ipi", "lammps"])
def test_an_explosion_in_the_first_steps_of_another_program_passes_for_bad_input(potential, engine):
    result = check_nve(potential, length=2.0, timestep=20.0, temperature=500.0, engine=engine)
    assert not result.passed
    assert result.blown_up


def test_a_long_run_of_which_few_steps_are_logged_spoils_the_dt2_law(monkeypatch):
    """As i-PI and LAMMPS log one; the part that is compared is short enough for every step."""

    def sparing(potential, start, length, timestep, progress):
        trace = run_ase(potential, start, length, timestep, progress)
        stride = max(1, len(trace.times) // 1000)
        return replace(trace, **{key: getattr(trace, key)[::stride] for key in ("times", "conserved", "kinetic")})

    options = {"length": 1.0, "temperature": 300.0}
    exact = check_nve(water(), **options)
    monkeypatch.setattr(engines, "run_ase", sparing)
    found = check_nve(water(), **options)
    assert found.fluctuation_mev_per_atom != exact.fluctuation_mev_per_atom
    assert found.dt2_ratio == exact.dt2_ratio
    assert found.runs[0].first_trace.time_ps == pytest.approx(np.arange(501) * 5e-4)


def test_a_bar_that_ends_short_of_its_total_or_beyond_it():
    class Counting(Progress):
        total = done = 0

        def start(self, label, total, unit):
            self.total += total

        def advance(self, done):
            self.done += done

    listener = Counting()
    check_nve(water(), length=0.5, temperature=[300.0, 400.0], progress=listener)
    assert listener.done == listener.total == 2 * (1000 + 500 + 1000)


def test_a_dimer_out_of_its_own_reach_divides_by_nothing(tmp_path):
    """Its potential is flat there, so that no energy changes."""
    apart = Frames(np.array([18, 18]), np.array([[[0, 0, 0], [0, 0, 20.0]]]))
    result = check_nve(PairPotential(apart, cutoff=4.5), length=0.1, plot=tmp_path / "nve.png")
    assert result.passed, result
    assert [(run.dt2_ratio, run.drift_ratio) for run in result.runs] == [(None, None)] * 2
    assert result.dt2_ratio is result.drift_ratio is None
    assert not set(result.verdicts) & {"dt2_ratio", "drift_ratio"}
    assert result.drift_mev_per_atom_per_ps == pytest.approx(0, abs=1e-9)
    assert (tmp_path / "nve.png").exists()
    json.dumps(result.as_dict(), allow_nan=False)


@pytest.mark.slow
def test_the_embedded_benzene_model_conserves_energy_for_20_ps(tmp_path):
    potential = rfp_md.train(f"{BENZENE}@:500", preset="fast")
    result = check_nve(potential, length=20.0, timestep=0.5, temperature=300.0)
    assert abs(result.drift_mev_per_atom_per_ps) <= 0.01, result
    assert 3.2 <= result.dt2_ratio <= 4.8, result
