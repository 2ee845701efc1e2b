"""The place of the model in a LAMMPS input, found without LAMMPS."""

import pytest

from rfp_md.errors import UserError
from rfp_md.interfaces.lammps.script import InputScript
from tests.interfaces.lammps_inputs import START


def test_an_include_that_makes_the_atoms_and_runs_is_refused(tmp_path):
    (tmp_path / "in.all").write_text("\n".join([*START, "run 3"]))
    with pytest.raises(UserError, match=r"^in\.x: line 2: .*in\.all makes the atoms and runs"):
        InputScript.parse(["units metal", f"include {tmp_path}/in.all"], "in.x")


def test_an_include_of_itself_is_left_to_lammps(tmp_path):
    (tmp_path / "in.loop").write_text(f"include {tmp_path}/in.loop\nrun 1\n")
    assert InputScript.parse([f"include {tmp_path}/in.loop"], "in.x").place == 0


@pytest.mark.parametrize("before", [[], ["fix own all external pf/callback 1 1"]])
def test_what_the_model_cannot_follow_is_refused_with_its_line(before):
    with pytest.raises(UserError, match=r"^in\.x: line \d: compute heat/flux needs a virial of nine numbers"):
        InputScript.parse(["compute flux all heat/flux k p s", *before, "run 1"], "in.x")
    with pytest.raises(UserError, match=r"^in\.x: line 2: compute heat/flux needs a virial of nine numbers"):
        InputScript.parse(["units metal", "compute flux all &", "  heat/flux k p s", *before, "run 1"], "in.x")
    with pytest.raises(UserError, match=r"^in\.x: line \d: 'clear' takes the model away"):
        InputScript.parse(["clear", *before, "run 1", "clear", "run 1"], "in.x")


@pytest.mark.parametrize("included", [False, True])
def test_respa_is_refused_before_anything_runs(tmp_path, included):
    line = "run_style respa 2 2"
    if included:
        (tmp_path / "in.style").write_text(line + "\n")
        line = f"include {tmp_path}/in.style"
    with pytest.raises(UserError, match=r"^in\.x: line 3: LAMMPS leaves out fix external in 'run_style respa'; write"):
        InputScript.parse(["units metal", "fix a all nve", line, "run 5"], "in.x")


@pytest.mark.parametrize(
    ("lines", "place"),
    [
        (["units metal", "run 5"], (1, "rfp")),
        (["fix a all property/atom mol", "fix b all nve", "run 5"], (1, "rfp")),
        (["thermo_style custom &", " run x", "minimize 0 0 1 1"], (2, "rfp")),
        (["fix a all nve", "run 1", "fix own all external pf/callback 1 1", "run 5"], (3, "own")),
        (["# run", "", "run 5"], (2, "rfp")),
    ],
)
def test_the_place_of_the_model_is_before_the_first_fix_or_run(lines, place):
    script = InputScript.parse(lines, "in")
    assert (script.place, script.fix_id) == place


def test_an_input_that_runs_nothing_is_refused():
    with pytest.raises(UserError, match=r"^in\.x: has no run"):
        InputScript.parse(["units metal"], "in.x")
