"""An ASE calculator as a baseline, and who may start one."""

import dataclasses

import numpy as np
import pytest
from ase.calculators.calculator import Calculator
from ase.calculators.lj import LennardJones

import rfp_md
from rfp_md.baselines.calculator import CalculatorBaseline
from rfp_md.calculators.allowed import VARIABLE, check_allowed
from rfp_md.errors import UserError
from rfp_md.frames import Dataset
from rfp_md.plugins.arrays import Surroundings
from rfp_md.plugins.guard import restored
from rfp_md.testing import check_baseline
from rfp_md.testing.structures import crystal, molecule
from tests.heard import Heard

LJ = "ase.calculators.lj:LennardJones"
SOFT = f"calculator:of={LJ},arguments=sigma=1.0;epsilon=0.1;rc=6.0;smooth=True"
OURS = f"{__name__}:Restless"


class Restless(LennardJones):
    """A calculator that fails where the first atom is right of the origin, and has no stress."""

    implemented_properties = ("energy", "free_energy", "forces")

    def calculate(self, atoms=None, properties=("energy",), system_changes=()):
        if atoms.positions[0, 0] > 5.0:
            raise RuntimeError("SCF does not\nconverge")
        Calculator.calculate(self, atoms, properties, system_changes)
        self.results = {"energy": 0.0, "free_energy": 0.0, "forces": np.zeros((len(atoms), 3))}


def test_a_calculator_does_not_conform():
    check_baseline(CalculatorBaseline(of=LJ, arguments="sigma=2.0;smooth=True"))


def test_a_model_loses_its_calculator(ethanol, tmp_path):
    path = tmp_path / "sum.rfp"
    options = {"descriptor": ["many_body:components=20,channels=6"], "width": 100, "baseline": [SOFT, "elements"]}
    trained = rfp_md.train(Dataset((ethanol[:40],)), output=path, **options)
    loaded = rfp_md.load(path)
    (calculator, _), few = loaded.baselines, ethanol[:2]
    assert calculator.arguments == ("sigma=1.0", "epsilon=0.1", "rc=6.0", "smooth=True")
    assert np.abs(calculator.compute(few).forces).max() > 0.01
    np.testing.assert_array_equal(trained.compute(few).forces, loaded.compute(few).forces)
    learned = loaded.committee(few).forces - calculator.compute(few).forces
    np.testing.assert_allclose(
        learned.mean(axis=0), loaded.compute(few).forces - calculator.compute(few).forces, atol=1e-9
    )


def test_a_frame_that_it_fails_at_has_no_name():
    frames = molecule(3)
    positions = frames.positions.copy()
    positions[2, 0, 0] = 6.0
    with pytest.raises(
        UserError,
        match=r"md.xyz: baseline .* of .*Restless\(\) failed at frame 2 \(RuntimeError: SCF does not converge\)",
    ):
        CalculatorBaseline(of=OURS).compute(frames.at(positions, source="md.xyz"))


def test_a_crystal_has_a_virial_without_a_stress():
    with pytest.raises(UserError, match="has no stress; it is for free molecules"):
        CalculatorBaseline(of=OURS).compute(crystal())


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("calculator", "--baseline calculator: needs of=…, the class, MODULE:CLASS"),
        ("calculator:of=lj", "baseline 'calculator', of lj: must be MODULE:CLASS"),
        ("calculator:of=no_such_package.ase:X", "of no_such_package.ase:X: 'no_such_package' is not installed"),
        (f"calculator:of={LJ},arguments=sgma=2", "baseline 'calculator', argument sgma: .* did you mean 'sigma'"),
        (f"calculator:of={LJ},arguments=sigma", "argument sigma: must be KEY=VALUE"),
    ],
)
def test_what_cannot_be_made_is_a_traceback(ethanol, spec, message):
    with pytest.raises(UserError, match=message):
        rfp_md.train(Dataset((ethanol[:20],)), baseline=[spec], preset="fast", width=20)


def test_a_file_starts_whatever_it_names(monkeypatch):
    model = Surroundings((1, 6, 8), 9)
    with pytest.raises(
        UserError, match=rf"runs the calculator {OURS}\(\), which may execute anything; .*export {VARIABLE}="
    ):
        restored(CalculatorBaseline(of=OURS), {}, model)
    monkeypatch.setenv(VARIABLE, f"ase.calculators.emt:EMT()\n{OURS}()")
    restored(CalculatorBaseline(of=OURS), {}, model)
    with pytest.raises(UserError, match="may execute anything"):  # allowed with no arguments is not with any
        check_allowed(OURS, ["command=rm"])


def test_frames_that_it_fails_at_end_the_training(ethanol):
    frames = ethanol[:30].at(ethanol.positions[:30])
    positions = frames.positions.copy()
    positions[[3, 7], :, 0] += 100.0
    frames = dataclasses.replace(ethanol[:30], positions=positions)
    options = {"descriptor": ["many_body:components=20,channels=6"], "width": 60, "baseline": [f"calculator:of={OURS}"]}
    with pytest.raises(UserError, match="let --skip-failed do it"):
        rfp_md.train(Dataset((frames,)), **options)
    heard = Heard()
    potential = rfp_md.train(Dataset((frames,)), **options, skip_failed=True, progress=heard)
    assert potential.record["data"]["frames"] == 28
    said = f"failed at 2 of 30 frames, which are left out: {ethanol.source} frame 3, {ethanol.source} frame 7"
    assert any(said in line for line in heard.lines)


def test_nothing_can_fail_and_is_skipped(ethanol):
    with pytest.raises(UserError, match="--skip-failed: no baseline is a calculator"):
        rfp_md.train(Dataset((ethanol[:30],)), skip_failed=True)
