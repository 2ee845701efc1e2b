"""rfp sample: what an interruption, a calculator or a careless call could spoil."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.calculators.emt import EMT
from ase.io import read, write

import rfp_md
from rfp_md.calculators import make_calculator
from rfp_md.dynamics.motion import Motion
from rfp_md.errors import UserError
from rfp_md.files.resumable import Resumable
from rfp_md.progress import Progress
from rfp_md.sampling import sample
from tests.conftest import BENZENE, ROOT

SHORT = {"frames": 6, "stride": 5, "warm_up": 8, "seed": 3}


class Slow(EMT):
    """EMT that can be interrupted in time, and that remembers, as a wavefunction would be remembered."""

    calls = 0

    def calculate(self, atoms, properties, changes):
        if pause := os.environ.get("PAUSE"):
            time.sleep(float(pause))
        self.calls = 0 if "numbers" in changes else self.calls + 1
        super().calculate(atoms, properties, changes)
        self.results["forces"] = self.results["forces"] + 1e-6 * self.calls


class Fragile(EMT):
    """EMT that fails once."""

    left = 20

    def calculate(self, atoms, properties, changes):
        Fragile.left -= 1
        if Fragile.left == 0:
            raise RuntimeError("SCF not converged\nin 250 cycles")
        super().calculate(atoms, properties, changes)


@pytest.fixture
def start(tmp_path):
    write(tmp_path / "start.xyz", molecule("C2H6"), format="extxyz")
    return tmp_path / "start.xyz"


def emt(start, name, **options):
    output = start.parent / name
    result = sample(start, output, **({"calculator": "ase.calculators.emt:EMT"} | SHORT | options))
    return output, result


@pytest.mark.parametrize(("number", "thermostat"), [(signal.SIGKILL, "langevin"), (signal.SIGTERM, "none")])
def test_a_run_that_is_killed_goes_on_to_the_same_frames(start, number, thermostat):
    options = {"calculator": "tests.sampling.test_run:Slow", "thermostat": thermostat, "frames": 12, "stride": 3}
    whole, _ = emt(start, "whole.extxyz", **options)
    partial = start.with_name("killed.extxyz.partial")
    flags = [f"--{key.replace('_', '-')}={value}" for key, value in (SHORT | options).items()]
    run = subprocess.Popen(
        [sys.executable, "-m", "rfp_md.cli", "sample", str(start), "-o", str(partial.with_suffix("")), *flags],
        env=os.environ | {"PAUSE": "0.01", "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not (partial.exists() and partial.stat().st_size > whole.stat().st_size / 6):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    run.send_signal(number)
    message = run.communicate(timeout=60)[1]
    assert run.returncode == {signal.SIGKILL: -9, signal.SIGTERM: 143}[number]
    assert ("the same command goes on" in message) == (number == signal.SIGTERM)
    with partial.open("ab") as file:
        file.write(b"12\nhalf of a fra")
    again, result = emt(start, "killed.extxyz", **options)
    assert 0 < result["resumed_from"] < 12
    assert again.read_bytes() == whole.read_bytes()
    assert sorted(path.name for path in start.parent.iterdir()) == ["killed.extxyz", "start.xyz", "whole.extxyz"]


def test_ctrl_c_says_that_the_run_can_go_on(start):
    class Impatient(Progress):
        steps, messages = 0, ()

        def advance(self, done):
            self.steps += done
            if self.steps == 20:
                raise KeyboardInterrupt

        def message(self, text):
            self.messages += (text,)

    progress = Impatient()
    with pytest.raises(KeyboardInterrupt):
        emt(start, "out.extxyz", progress=progress)
    assert "stopped at step 20 of 38; the same command goes on" in progress.messages[-1]
    assert emt(start, "out.extxyz")[1]["resumed_from"] == 2


def test_frames_carry_labels_steps_and_where_they_come_from(tmp_path):
    write(tmp_path / "start.xyz", bulk("Cu", cubic=True), format="extxyz")
    output, result = emt(tmp_path / "start.xyz", "cu.extxyz", calculator_arg=["asap_cutoff=True"])
    (frames,) = rfp_md.read(output).blocks
    np.testing.assert_array_equal(frames.steps, [13, 18, 23, 28, 33, 38])
    atoms = Atoms(frames.numbers, frames.positions[2], cell=frames.cells[2], pbc=True, calculator=EMT(asap_cutoff=True))
    assert frames.energies[2] == pytest.approx(atoms.get_potential_energy(), abs=1e-6)
    np.testing.assert_allclose(frames.forces[2], atoms.get_forces(), atol=1e-6)
    np.testing.assert_allclose(frames.stresses[2], atoms.get_stress(voigt=False), atol=1e-6)
    info = read(output, index=0).info
    assert info["level_of_theory"] == result["level_of_theory"] == "ase.calculators.emt:EMT(asap_cutoff=True)"
    assert (info["time_fs"], info["energy_unit"], info["force_unit"]) == (6.5, "eV", "eV/angstrom")


def test_the_start_neither_drifts_nor_turns():
    atoms = molecule("C2H6")
    atoms.calc = EMT()
    Motion(atoms, 0.5, 300.0, None, 0)
    np.testing.assert_allclose(atoms.get_momenta().sum(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(atoms.get_angular_momentum(), 0, atol=1e-12)


@pytest.mark.parametrize("atoms", [Atoms("H"), Atoms("CO", [[0, 0, 0], [0, 0, 1.1]]), molecule("CO2")])
def test_small_and_linear_molecules_do_not_divide_by_zero(tmp_path, atoms):
    write(tmp_path / "start.xyz", atoms, format="extxyz")
    output, _ = emt(tmp_path / "start.xyz", "out.extxyz", thermostat="none")
    assert np.isfinite(rfp_md.read(output).blocks[0].positions).all()


def test_a_calculator_that_fails_loses_nothing(start):
    Fragile.left = 20
    whole, _ = emt(start, "whole.extxyz")
    with pytest.raises(UserError, match=r"after step 18 \(RuntimeError: SCF not converged") as caught:
        emt(start, "out.extxyz", calculator="tests.sampling.test_run:Fragile")
    assert "the same command goes on" in str(caught.value)
    output, result = emt(start, "out.extxyz", calculator="tests.sampling.test_run:Fragile")
    assert result["resumed_from"] == 2
    np.testing.assert_array_equal(rfp_md.read(output).energies, rfp_md.read(whole).energies)


def test_a_calculator_that_fails_at_once_leaves_nothing(start):
    write(start, Atoms("Si"), format="extxyz")
    with pytest.raises(UserError, match="No EMT-potential for Si"):
        emt(start, "out.extxyz")
    assert list(start.parent.iterdir()) == [start]


@pytest.mark.parametrize("timestep", [8.0, 20.0, 500.0])
def test_a_run_that_blows_up_gives_no_frames_but_advice(start, timestep):
    """Finite forces are no proof: EMT's atoms fly apart and the thermostat cools the pieces."""
    with pytest.raises(UserError, match=r"the run blew up in step \d+ \(.*\); take a smaller --timestep"):
        emt(start, "out.extxyz", timestep=timestep, warm_up=500)
    assert not (start.parent / "out.extxyz").exists()


def test_other_options_do_not_go_on_with_an_unfinished_run(start):
    Fragile.left = 20
    with pytest.raises(UserError, match="SCF"):
        emt(start, "out.extxyz", calculator="tests.sampling.test_run:Fragile")
    with pytest.raises(UserError, match=r"was begun with --timestep 0.5, and not 0.25; .* delete .*out.extxyz.partial"):
        emt(start, "out.extxyz", calculator="tests.sampling.test_run:Fragile", timestep=0.25)
    start.with_name("out.extxyz.checkpoint").unlink()
    with pytest.raises(UserError, match="stands there without its checkpoint"):
        emt(start, "out.extxyz", calculator="tests.sampling.test_run:Fragile")


def test_a_damaged_checkpoint_is_refused(start):
    start.with_name("out.extxyz.checkpoint").write_text("{")
    with pytest.raises(UserError, match="is not a checkpoint of ours"):
        emt(start, "out.extxyz")


def test_what_is_finished_is_never_overwritten(start):
    output, _ = emt(start, "out.extxyz")
    before = output.read_bytes()
    assert emt(start, "out.extxyz")[1]["resumed_from"] == 6
    with pytest.raises(UserError, match="is not what these options give; delete it, or name another output"):
        emt(start, "out.extxyz", seed=4)
    assert output.read_bytes() == before


def test_two_writers_do_not_share_an_output(tmp_path):
    with (
        Resumable(tmp_path / "a", {}).open(),
        pytest.raises(UserError, match="is being written by another process"),
        Resumable(tmp_path / "a", {}).open(),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"frames": 0}, "--frames 0: must be at least 1"),
        ({"stride": 0}, "--stride 0"),
        ({"warm_up": -1}, "--warm-up -1"),
        ({"seed": -1}, "--seed -1"),
        ({"timestep": np.nan}, "--timestep nan: must be a positive number"),
        ({"temperature": 0.0}, "--temperature 0.0"),
        ({"friction": -0.1}, "--friction -0.1"),
        ({"thermostat": "none", "friction": 0.02}, "--friction has no effect with --thermostat none"),
        ({"thermostat": "nose"}, "--thermostat nose: must be one of langevin, none"),
        ({"calculator": "emt"}, "must be MODULE:CLASS"),
        ({"calculator": "ase.calculators.emtt:EMT"}, "there is no module ase.calculators.emtt"),
        ({"calculator": "ase.calculators.emt:ETM"}, "has no class ETM"),
        ({"calculator": "nowhere_at_all:Calculator"}, "'nowhere_at_all' is not installed; pip install"),
        ({"calculator_arg": ["asap_cutoff"]}, "must be KEY=VALUE"),
        ({"calculator_arg": ["a=1", "a=2"]}, "'a' stands twice"),
        ({"calculator_arg": ["asap_cutof=1"]}, "did you mean 'asap_cutoff'?"),
        ({"calculator": "ase.build:bulk"}, "bulk cannot be made with no arguments"),
    ],
)
def test_bad_options_are_refused_and_leave_nothing(start, options, message):
    with pytest.raises(UserError) as caught:
        emt(start, "out.extxyz", **options)
    assert message in str(caught.value)
    assert list(start.parent.iterdir()) == [start]


@pytest.mark.parametrize(
    ("name", "message"),
    [("no/out.extxyz", "choose a folder that exists"), ("out.npz", "ends in .extxyz"), ("start.xyz", "is an input")],
)
def test_an_output_that_cannot_be_is_refused(start, name, message):
    with pytest.raises(UserError, match=message):
        emt(start, name)


def test_a_missing_tblite_is_named_with_its_remedy(monkeypatch):
    def missing(name):
        raise ModuleNotFoundError("No module named 'tblite'", name="tblite")

    monkeypatch.setattr("rfp_md.calculators.by_path.import_module", missing)
    with pytest.raises(UserError, match=r"'tblite' is not installed; pip install 'rfp-md\[reference\]'"):
        make_calculator("tblite.ase:TBLite")


def test_gfn2_frames_are_those_of_the_sample_data(tmp_path):
    pytest.importorskip("tblite", reason="tblite is not installed: pip install 'rfp-md[reference]'")
    output = tmp_path / "benzene.extxyz"
    sample(
        f"{BENZENE}@0:1",
        output,
        calculator="tblite.ase:TBLite",
        calculator_arg=["method=GFN2-xTB", "accuracy=0.1", "verbosity=0"],
        frames=2,
        stride=1,
        warm_up=0,
        timestep=1e-6,
    )
    (frames,) = rfp_md.read(output).blocks
    reference = rfp_md.read(BENZENE).blocks[0]
    assert frames.energies[0] == pytest.approx(reference.energies[0], abs=1e-5)
    np.testing.assert_allclose(frames.forces[0], reference.forces[0], atol=1e-4)
