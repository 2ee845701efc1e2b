"""rfp validate as a user meets it: verdicts as exit codes, calculators, and refusals in one sentence."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from ase.build import molecule
from ase.io import write

import rfp_md
from rfp_md.artifact import read, save
from rfp_md.cli.validate import _print_check
from rfp_md.frames import Dataset
from rfp_md.validation.checks import names
from rfp_md.validation.stability import check_stability
from rfp_md.validation.stability.lines import lines
from rfp_md.validation.thresholds import limits_of
from tests.conftest import BENZENE, ETHANOL
from tests.programs import process, refused, rfp

EMT = ("--calculator", "ase.calculators.emt:EMT")
GFN2 = ("--calculator-arg", "method=GFN2-xTB", "--calculator-arg", "verbosity=0", "--calculator-arg", "accuracy=0.01")

BROKEN = """
import numpy as np
from ase.calculators.emt import EMT
from ase.calculators.morse import MorsePotential

class Slipped(MorsePotential):
    def calculate(self, *args, **kwargs):
        super().calculate(*args, **kwargs)
        self.results["forces"] = 1.001 * self.results["forces"]

class Nonsense(MorsePotential):
    def calculate(self, *args, **kwargs):
        super().calculate(*args, **kwargs)
        self.results["forces"] = np.nan * self.results["forces"]

try:
    from tblite.ase import TBLite

    class SlippedGFN2(TBLite):
        def calculate(self, *args, **kwargs):
            super().calculate(*args, **kwargs)
            self.results["forces"] = 1.001 * self.results["forces"]
except ImportError:
    pass
"""


@pytest.fixture
def folder(tmp_path):
    """Two molecules to start from, and a module of calculators that are wrong."""
    (tmp_path / "broken.py").write_text(BROKEN)
    write(tmp_path / "h2.xyz", molecule("H2"), format="extxyz")
    return tmp_path


def forces(folder, calculator, *options, program=rfp):
    return program(
        "validate", "--calculator", calculator, *options, "--structure", "h2.xyz", "forces", "--quick", cwd=folder
    )


def table(text):
    """What stands in the line of each figure."""
    return {line.split()[0]: line for line in text.splitlines() if line.startswith("  ")}


def test_a_calculator_that_is_a_little_wrong_exits_with_1_and_its_table_says_why(folder):
    right = forces(folder, "ase.calculators.morse:MorsePotential", "--calculator-arg", "rcut2=9")
    wrong = forces(folder, "broken:Slipped", "--calculator-arg", "rcut2=9")
    assert right.stderr == wrong.stderr == ""
    assert wrong.returncode == 1
    assert wrong.stdout.startswith("broken:Slipped: fail\n\nforces: fail\n")
    assert table(wrong.stdout)["max_abs_error_ev_per_angstrom"].endswith("fail")
    assert table(right.stdout)["max_abs_error_ev_per_angstrom"].endswith("pass")


def test_forces_that_are_not_numbers_fail_and_are_no_internal_error(folder):
    result = forces(folder, "broken:Nonsense")
    assert (result.returncode, result.stderr) == (1, "")
    assert "no number" in result.stdout
    found = json.loads(forces(folder, "broken:Nonsense", "--json").stdout)
    assert (found["passed"], found["max_abs_error_ev_per_angstrom"]) == (False, None)


@pytest.mark.parametrize(("calculator", "code"), [("ase.calculators.morse:MorsePotential", 0), ("broken:Slipped", 1)])
@pytest.mark.parametrize("output", [(), ("--json",)])
def test_a_verdict_is_lost_where_nobody_reads_on(folder, calculator, code, output):
    """As with ``| head -1``; the JSON is longer than what Python keeps before it writes."""
    options = ("--calculator", calculator, "--calculator-arg", "rcut2=9", "--structure", "h2.xyz", "forces", *output)
    command = [sys.executable, "-m", "rfp_md.cli", "validate", *options]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == code


def test_gfn2_passes_with_a_tight_self_consistency_and_not_with_a_slip_of_units(folder, monkeypatch):
    pytest.importorskip("tblite", reason="tblite is not installed: pip install 'rfp-md[reference]'")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # threads that wait for each other take fifty times as long
    assert forces(folder, "tblite.ase:TBLite", *GFN2, program=process).returncode == 0
    assert forces(folder, "broken:SlippedGFN2", *GFN2, program=process).returncode == 1


@pytest.mark.slow
def test_gfn2_of_ethanol_passes(monkeypatch):
    pytest.importorskip("tblite", reason="tblite is not installed: pip install 'rfp-md[reference]'")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    calculator = ("--calculator", "tblite.ase:TBLite", *GFN2, "--structure", f"{ETHANOL}@:1")
    result = process("validate", *calculator, "forces", "--quick")
    assert result.returncode == 0, result.stdout


@pytest.mark.slow
def test_all_checks_of_a_model_are_in_one_object_and_in_its_file(model, tmp_path):
    mine = shutil.copy(model, tmp_path / "mine.rfp")
    result = rfp("validate", mine, "all", "--quick", "--json", "--seed", "3")
    found = json.loads(result.stdout)
    assert result.returncode == (0 if found["passed"] else 1)
    checks = {name: found[name] for name in names()}
    assert found["passed"] == all(check["passed"] for check in checks.values())
    assert read(mine)[0].record["validation"]["checks"] == checks
    assert set(limits_of("nve")) <= set(checks["nve"])
    assert [path.name for path in tmp_path.iterdir()] == ["mine.rfp"]


def test_the_text_tells_where_a_replica_broke(folder):
    result = rfp(
        *("validate", *EMT, "--structure", "h2.xyz", "stability"),
        *("--length", "0.2", "--temperature", "60000", "--replicas", "2", "--timestep", "0.2"),
        cwd=folder,
    )
    assert result.returncode == 1
    assert "stable_fraction" in result.stdout
    assert " broke at " in result.stdout
    assert np.all([path.name in ("broken.py", "h2.xyz", "__pycache__") for path in folder.iterdir()])


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (
            {"why": "bond", "bond": [2, 8], "length_angstrom": 1.72, "equilibrium_angstrom": 0.97},
            ": atoms 2 and 8 at 1.72 Å, not 0.97; a force is uncertain by 0.7 eV/Å there",
        ),
        ({"why": "temperature"}, ": its temperature was twenty times that of the thermostat"),
        ({"why": "collision"}, ": two atoms met"),
        ({"why": "forces"}, ": its forces were not finite"),
    ],
)
def test_why_a_replica_broke_is_told_wrong(event, told):
    where = {"replica": 1, "ps": 12.31, "force_uncertainty_ev_per_angstrom": 0.7}
    assert lines({"breaks": [where | event]}) == [f"replica 1 broke at 12.3 ps{told}"]


def test_a_scan_without_an_answer_is_an_internal_error(capsys):
    scan = {"barrier_ev": None, "reference_barrier_ev": 0.14, "max_error_ev": None}
    _print_check("geometry", {"verdict": "pass", "judged": [], "scan": scan})
    told = "  scan: barrier no number eV, reference 0.14 eV, largest error no number eV (not judged)\n"
    assert capsys.readouterr().out.endswith(told)


def test_of_all_a_check_that_cannot_be_made_takes_what_was_found_along(folder, monkeypatch):
    monkeypatch.setattr(check_stability, "QUICK_LENGTH", 0.3)
    result = rfp("validate", *EMT, "--structure", "h2.xyz", "all", "--quick", "--engine", "ipi", cwd=folder)
    assert result.returncode == 1
    assert "\nnve: fail\n  was not made: --engine ipi: runs .rfp models only" in result.stdout
    for name in ("forces", "stability", "geometry"):
        assert f"\n{name}: " in result.stdout
    assert "nve: --engine ipi: runs .rfp models only" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["m.rfp", "speed"], "'speed' is no check; say one of forces, nve, stability, geometry, all after the model"),
        (["m.rfp"], "'m.rfp' is no check"),
        (["a.rfp", "b.rfp", "forces"], "2 models before 'forces'; give one MODEL.rfp"),
        (["forces"], "0 models before 'forces'; give one MODEL.rfp"),
        (["m.rfp", *EMT, "forces"], "1 models before 'forces'; give no model beside --calculator"),
        ([*EMT, "forces"], "--calculator needs --structure FILE"),
        ([*EMT, "--structure", "none.xyz", "forces"], "none.xyz: no such file"),
        ([*EMT, "--structure", "h2.xyz", "nve", "--engine", "ipi", "--length", "0.1"], "runs .rfp models only"),
        (["--calculator", "emt", "--structure", "h2.xyz", "forces"], "must be MODULE:CLASS"),
        ([*EMT, "--structure", "h2.xyz", "nve", "--length", "0.001"], "20 to 100,000,000 steps"),
        ([*EMT, "--structure", "h2.xyz", "nve", "--replicas", "2"], "--replicas has no effect on 'validate nve'"),
        ([*EMT, "--structure", "h2.xyz", "geometry", "--quick"], "--quick has no effect on 'validate geometry'"),
        (
            [*EMT, "--structure", "h2.xyz", "stability", *2 * ["--temperature", "300"]],
            "--temperature: stability takes one; give it once",
        ),
        ([*EMT, "--structure", "h2.xyz", "all", "--data", f"{ETHANOL}@:2"], "has other atoms than the potential"),
        ([*EMT, "--structure", "h2.xyz", "all", "--scan", "none.xyz"], "none.xyz: no such file"),
        ([], "Missing argument"),
    ],
)
def test_a_careless_call_is_one_sentence(folder, arguments, message):
    assert message in refused("validate", *arguments, cwd=folder)


def test_arguments_of_a_calculator_without_one_are_refused(model):
    assert "is for --calculator" in refused("validate", model, "--calculator-arg", "a=1", "forces")


def test_a_model_of_one_molecule_does_not_start_from_another(model):
    assert "has atoms C6H6, but the model was trained on" in refused(
        "validate", model, "--structure", BENZENE, "forces"
    )


def test_a_model_without_forces_is_refused(folder, ethanol):
    energies = rfp_md.train(Dataset((ethanol[:40],)), regressor="rfnn:width=20,activation=relu")
    save(energies, folder / "energies.rfp")
    assert "was fitted to energies only and has no forces" in refused("validate", folder / "energies.rfp", "forces")
