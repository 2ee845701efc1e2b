"""Long dynamics: what breaks is told, what is killed goes on, and nothing is left behind."""

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.cluster import Icosahedron
from ase.io import write

from rfp_md.calculators.as_potential import CalculatorPotential
from rfp_md.errors import UserError
from rfp_md.frames import Frames
from rfp_md.io.atoms import from_atoms
from rfp_md.progress import Progress
from rfp_md.validation import record
from rfp_md.validation.stability import pair_distances
from rfp_md.validation.stability.check_stability import check_stability
from rfp_md.validation.stability.pair_distances import FEWEST_FRAMES
from rfp_md.validation.stability.watch import LOOK, ReplicaWatch, equilibrium
from tests.conftest import ROOT
from tests.validation.analytic_potentials import Molecule, PairPotential, carbon_dioxide, diatomic, morse, water

SHORT = {"length": 0.2, "replicas": 3, "temperature": 500.0}


class Impatient(Progress):
    """Interrupts after so many steps, as Ctrl-C does, or kills its own process, as nobody can prevent."""

    def __init__(self, steps, kill=False):
        self.left, self.kill, self.messages = steps, kill, []

    def advance(self, done):
        self.left -= done
        if self.left == 0 and self.kill:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.left == 0:
            raise KeyboardInterrupt

    def message(self, text):
        self.messages.append(text)


def weak():
    """Water with one bond that cannot stand the heat."""
    return water(depths=(5.0, 0.25))


@pytest.fixture(scope="module")
def broken():
    return check_stability(weak(), length=1.0, replicas=6, temperature=1500.0)


def test_a_molecule_that_holds_passes_and_says_what_it_was_like():
    result = check_stability(water(), **SHORT)
    assert (result.verdict, result.stable_fraction, result.breaks) == ("pass", 1.0, [])
    assert result.stable_ps_of_replicas == [0.2] * 3
    assert result.series.time_ps[-1] == 0.2
    h = result.pair_distances.h_per_angstrom
    assert sum(h) * pair_distances.WIDTH == pytest.approx(1, abs=1e-4)
    assert result.pair_distance_mae is None


def test_a_weak_bond_is_the_one_that_is_told_of(broken):
    assert broken.breaks
    for event in broken.breaks:
        assert (event.why, event.bond) == ("bond", [0, 2])
        assert event.equilibrium_angstrom == pytest.approx(0.96, abs=1e-3)
        assert abs(event.length_angstrom - event.equilibrium_angstrom) > 0.5
        o, _, h = np.array(event.positions)
        assert np.linalg.norm(h - o) == pytest.approx(event.length_angstrom)
        assert event.force_uncertainty_ev_per_angstrom is None
    assert broken.stable_fraction == pytest.approx(1 - len(broken.breaks) / 6)
    assert not broken.passed


def test_the_others_go_on_after_one_broke(broken):
    times = broken.stable_ps_of_replicas
    assert len(set(times)) > 2
    assert sorted(event.ps for event in broken.breaks) == sorted(t for t in times if t < 1.0)
    for event in broken.breaks:
        assert times[event.replica] == event.ps
    assert broken.stable_ps == pytest.approx(np.mean(times))


def test_one_replica_s_nonsense_does_not_take_the_others_along():
    """Forces that are not numbers, beyond a length that only some bonds reach."""

    def fragile(d):
        energy, slope = morse(5.0, 2.2, 0.96)(d)
        return energy, np.where(d > 1.08, np.nan, slope)

    potential = water()
    potential.terms = [(0, 1, fragile), *potential.terms[1:]]
    result = check_stability(potential, length=0.5, replicas=6, temperature=800.0)
    times = result.stable_ps_of_replicas
    assert 0 < len(result.breaks) < 6
    assert max(times) == 0.5
    assert {event.why for event in result.breaks} == {"forces"}
    assert all(event.bond is None for event in result.breaks)
    assert all(len(np.shape(event.positions)) == 2 for event in result.breaks)


def test_a_run_that_explodes_ends_at_once_and_fails():
    result = check_stability(water(), length=100.0, timestep=20.0, replicas=3)
    assert (result.stable_fraction, result.verdict) == (0.0, "fail")
    assert result.stable_ps <= 3 * LOOK * 20e-3


def copper():
    positions = 3.7 * np.array([[[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]])
    return Frames(np.full(4, 29), positions, cells=3.7 * np.eye(3)[None], pbc=(True,) * 3)


def test_a_crystal_has_no_pair_distances():
    result = check_stability(PairPotential(copper(), 3.6), length=0.02, replicas=2, temperature=50.0)
    assert (result.verdict, result.pair_distances) == ("pass", None)


def test_a_hot_metal_does_not_break():
    atoms = bulk("Al", cubic=True)
    frames = from_atoms([atoms])
    result = check_stability(
        CalculatorPotential(EMT(), frames), length=0.3, replicas=2, temperature=700.0, timestep=2.0
    )
    assert (result.verdict, result.breaks) == ("pass", [])


def test_a_hot_cluster_does_not_break():
    atoms = Icosahedron("Cu", 2)
    potential = CalculatorPotential(EMT(), from_atoms([atoms]))
    result = check_stability(potential, length=0.6, replicas=2, temperature=900.0, timestep=3.0)
    assert (result.verdict, result.breaks) == ("pass", [])


def test_atoms_of_a_crystal_that_fall_into_each_other_collide():
    class Hole(PairPotential):
        def bare(self, d):
            return 0.3 * d - 1.0, np.full_like(d, 0.3)

    result = check_stability(Hole(copper(), 3.6), length=5.0, replicas=2, temperature=500.0)
    assert not result.passed
    assert {event.why for event in result.breaks} == {"collision"}
    assert all(event.bond is None and event.positions for event in result.breaks)


def test_a_run_that_gets_hot_without_a_bond_to_break_ends_for_its_temperature():
    result = check_stability(Boiling(), length=1.0, replicas=2, temperature=500.0)
    assert [event.why for event in result.breaks] == ["temperature"] * 2


class Boiling(Molecule):
    """Two atoms that are not bonded, pushed apart by a force that does not end."""

    def __init__(self):
        super().__init__([18, 18], [[0, 0, 0], [0, 0, 4.0]], [(0, 1, lambda d: (1e-3 * d**2 - 9 * d, 2e-3 * d - 9))])


def test_forces_that_are_no_numbers_from_the_start_fail_and_are_no_bad_input():
    potential = water()
    potential.terms = [(0, 1, lambda d: (d, np.full_like(d, np.nan)))]
    result = check_stability(potential, **SHORT)
    assert (result.stable_ps, result.verdict) == (0.0, "fail")
    assert [event.why for event in result.breaks] == ["forces"] * 3
    json.dumps(record.plain(result.as_dict()), allow_nan=False)


@pytest.mark.parametrize(("start", "judged"), [(0.83, True), (1.3, False)])
def test_a_bond_that_was_hot_in_the_reference_is_not_judged(start, judged):
    """One that a relaxation makes from afar is no bond of the molecule: every replica would be broken at once."""
    bonds = equilibrium(diatomic(morse(4.5, 1.9, 0.74), (1, 1), start))
    assert bonds.pairs.tolist() == ([[0, 1]] if judged else [])
    assert bonds.lengths == pytest.approx([0.74] * judged, abs=1e-3)


def test_a_single_atom_holds():
    result = check_stability(Molecule([18], [[0.0, 0.0, 0.0]], []), **SHORT)
    assert result.verdict == "pass"


def test_pair_distances_of_the_start_do_not_count():
    result = check_stability(carbon_dioxide(), length=0.2, replicas=1)
    watch = ReplicaWatch(carbon_dioxide(), 1, 0.5, 500.0, 0, 1, 40)
    for _ in range(400):
        watch.advance()
    assert result.pair_distances == pair_distances.curve(watch.counts)
    assert watch.counts.sum() == 3 * len(range(40, 401, LOOK))


@pytest.mark.parametrize("steps", [1, 3 * LOOK, 155])
def test_what_is_interrupted_goes_on_to_the_same_result(tmp_path, steps):
    options = {"length": 0.15, "replicas": 4, "temperature": 1500.0}
    whole = check_stability(weak(), **options)
    progress = Impatient(steps)
    with pytest.raises(KeyboardInterrupt):
        check_stability(weak(), **options, checkpoint=tmp_path / "run", progress=progress)
    assert progress.messages == [f"stability: stopped at step {steps} of 300; the same command goes on"]
    again = Impatient(-1)
    assert check_stability(weak(), **options, checkpoint=tmp_path / "run", progress=again) == whole
    assert "goes on from" in again.messages[0]
    assert list(tmp_path.iterdir()) == []


def test_without_a_checkpoint_nobody_is_told_that_the_run_could_go_on():
    progress = Impatient(5)
    with pytest.raises(KeyboardInterrupt):
        check_stability(water(), **SHORT, progress=progress)
    assert progress.messages == ["stability: stopped at step 5 of 400; a run with --checkpoint could go on"]


def test_kill_minus_9_loses_nothing(tmp_path):
    options = {"length": 0.2, "replicas": 4, "temperature": 1500.0}
    script = (
        "from tests.validation.stability.test_check_stability import *; "
        f"check_stability(weak(), **{options}, checkpoint='{tmp_path}/run', progress=Impatient(237, kill=True))"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    run = subprocess.run([sys.executable, "-c", script], env=environment, check=False, capture_output=True, text=True)
    assert run.returncode == -signal.SIGKILL, run.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"run.partial", "run.checkpoint"}
    result = check_stability(weak(), **options, checkpoint=tmp_path / "run")
    assert result == check_stability(weak(), **options)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"length": 0.3}, r"was begun with --length 0.2, and not 0.3; .*delete"),
        ({"replicas": 2}, "was begun with --replicas 3, and not 2"),
        ({"temperature": 300.0}, "was begun with --temperature 500.0, and not 300.0"),
        ({"seed": 1}, "was begun with --seed 0, and not 1"),
        ({"potential": carbon_dioxide()}, r"was begun with the model's forces \(SHA-256\)"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused_in_a_sentence(tmp_path, other, message):
    with pytest.raises(KeyboardInterrupt):
        check_stability(water(), **SHORT, checkpoint=tmp_path / "run", progress=Impatient(50))
    before = (tmp_path / "run.checkpoint").read_bytes()
    with pytest.raises(UserError, match=message):
        check_stability(**({"potential": water()} | SHORT | other), checkpoint=tmp_path / "run")
    assert (tmp_path / "run.checkpoint").read_bytes() == before


def test_a_damaged_checkpoint_is_refused(tmp_path):
    (tmp_path / "run.checkpoint").write_text("{")
    with pytest.raises(UserError, match="is not a checkpoint of ours"):
        check_stability(water(), **SHORT, checkpoint=tmp_path / "run")


@pytest.mark.parametrize(
    "options",
    [
        {"length": 0.001},
        {"length": np.inf},
        {"length": np.nan},
        {"length": 1e308},
        {"timestep": 0.0},
        {"timestep": np.inf},
        {"timestep": np.nan},
        {"temperature": -1.0},
        {"replicas": 0},
        {"seed": -1},
    ],
)
def test_numbers_that_make_no_run_are_refused_and_leave_nothing(tmp_path, options):
    with pytest.raises(UserError, match="a stability run needs"):
        check_stability(water(), **(SHORT | options), checkpoint=tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_h_of_r_of_a_distribution_and_itself_is_the_same_and_of_strangers_as_far_as_can_be():
    near, far = (pair_distances.counts(water().reference.positions * scale) for scale in (1, 3))
    assert pair_distances.mean_absolute_error(near, near) == 0
    assert pair_distances.mean_absolute_error(near, 7 * near) == pytest.approx(0)
    assert pair_distances.mean_absolute_error(near, far) == pytest.approx(2)
    assert near.sum() == 3
    assert pair_distances.counts(water().reference.positions * 1e6).sum() == 3


def test_reference_frames_are_compared_with(tmp_path):
    potential = water()
    scales = np.resize([0.99, 1.0, 1.01], FEWEST_FRAMES)
    images = [Atoms(potential.reference.numbers, scale * potential.reference.positions[0]) for scale in scales]
    write(tmp_path / "near.xyz", images, format="extxyz")
    far = FEWEST_FRAMES * [Atoms("OH2", 3 * potential.reference.positions[0])]
    write(tmp_path / "far.xyz", far, format="extxyz")
    near = check_stability(potential, **SHORT, data=tmp_path / "near.xyz")
    far = check_stability(potential, **SHORT, data=tmp_path / "far.xyz")
    assert near.pair_distance_mae < far.pair_distance_mae == pytest.approx(2)
    assert not far.passed
    write(tmp_path / "other.xyz", Atoms("CO", [[0, 0, 0], [0, 0, 1]]), format="extxyz")
    with pytest.raises(UserError, match=r"--data .*other.xyz: has other atoms"):
        check_stability(potential, **SHORT, data=tmp_path / "other.xyz")


@pytest.mark.parametrize(
    ("count", "cell", "message"),
    [
        (FEWEST_FRAMES - 1, None, "holds 99 frames, of which .* give at least 100"),
        (FEWEST_FRAMES, [9, 9, 9], "is periodic, .* give frames of the free molecule"),
    ],
)
def test_noise_or_a_crystal_is_compared_with(tmp_path, count, cell, message):
    image = Atoms("OH2", water().reference.positions[0], cell=cell, pbc=cell is not None)
    write(tmp_path / "frames.xyz", count * [image], format="extxyz")
    with pytest.raises(UserError, match=rf"--data .*frames.xyz: {message}"):
        check_stability(water(), **SHORT, data=tmp_path / "frames.xyz")


def test_a_model_s_committee_says_how_uncertain_the_forces_are(potential):
    result = check_stability(potential, length=0.02, replicas=2)
    assert all(value > 0 for value in result.series.force_uncertainty_ev_per_angstrom)
