"""The table of checks: its rows are true, and a new check is a row and a function."""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.resources import files
from inspect import Parameter, signature
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from rfp_md.artifact import read
from rfp_md.cli import info
from rfp_md.cli.validate import make_command
from rfp_md.errors import UserError
from rfp_md.report import report
from rfp_md.validation import checks, validate
from rfp_md.validation.check import Check
from rfp_md.validation.checks import CHECKS, refuse_others
from rfp_md.validation.figures import Figure, Limit, figures_of
from rfp_md.validation.options import CheckOption, imported
from rfp_md.validation.result import CheckResult
from rfp_md.validation.thresholds import limits_of

every_check = pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)


@every_check
def test_a_row_does_not_fit_its_function(check):
    _, *rest = signature(imported(check.function)).parameters.values()
    keywords = {parameter.name: parameter for parameter in rest if parameter.name != "progress"}
    assert {parameter.kind for parameter in keywords.values()} == {Parameter.KEYWORD_ONLY}
    assert {option.name for option in check.options} == set(keywords)
    shown = {option.name: option.default for option in check.options if option.default is not None}
    assert {name: keywords[name].default for name in shown} == shown


@every_check
def test_a_row_names_what_is_not_there(check):
    for path in (check.pictures, check.lines, check.leaves, *(option.look for option in check.options)):
        assert not path or callable(imported(path))
    assert files("rfp_md").joinpath(check.page or "report/check.html").is_file()
    assert issubclass(check.result, CheckResult)


@every_check
def test_a_figure_is_judged_by_two_checks_with_one_name(check):
    """A line of ``rfp info`` and of the page names the figure only."""
    others = [limits_of(other.name) for other in CHECKS if other is not check]
    assert not any(set(limits_of(check.name)) & set(other) for other in others)


def test_the_table_makes_every_start_of_rfp_slow():
    """The command line asks the table for its names and flags."""
    listed = "import sys; import rfp_md.validation.checks; print({'numpy', 'ase', 'pydantic'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", listed], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"


# A check that there is not: how hard it is to push the first atom.


@dataclass(frozen=True, kw_only=True)
class HardnessResult(CheckResult):
    """What it finds."""

    push_ev_per_angstrom: Annotated[float, Figure("eV/Å", "force on the first atom", Limit(1e3, 1e4, "a guess"))]
    n_pushed: Annotated[int, Figure("", "atoms that were pushed")]


def check_hardness(potential, *, pushes: int = 4, file: str | None = None) -> HardnessResult:
    """Its function."""
    force = float(abs(potential.compute(potential.reference).forces[0, 0]).max())
    return HardnessResult(push_ev_per_angstrom=force, n_pushed=pushes)


def look(potential, path):
    """At a file that it would need."""
    raise UserError(f"{path}: is not hard")


ROW = Check(
    name="hardness",
    function=f"{__name__}:check_hardness",
    options=(
        CheckOption("pushes", int, "Of hardness", 4, smallest=1, whole=4),
        CheckOption("file", str, "What is hard", of_all=True, look=f"{__name__}:look"),
    ),
)


@pytest.fixture
def hardness(monkeypatch):
    """The table with one more row, and one of the old ones, which is quick."""
    monkeypatch.setattr(checks, "CHECKS", (checks.row("forces"), ROW))


@pytest.fixture
def mine(model, tmp_path):
    """A model of one's own, to be written to."""
    return shutil.copy(model, tmp_path / "mine.rfp")


def rfp(*arguments):
    """The command line as it is made of the table."""
    app = typer.Typer(rich_markup_mode=None)
    app.command("validate")(make_command())
    app.command("info")(info.command)
    return CliRunner().invoke(app, [str(a) for a in arguments], terminal_width=200)


def test_a_new_check_is_not_on_the_command_line(hardness, mine):
    text = rfp("validate", "--help").stdout
    assert "forces, hardness, all." in text
    assert "--pushes" in text
    assert "Of hardness." in text
    for arguments, message in (
        (["speed"], "'speed' is no check; say one of forces, hardness, all after the model"),
        (["forces", "--pushes", "2"], "--pushes has no effect on 'validate forces'; .* or validate hardness"),
        (["hardness", "--quick"], "--quick has no effect on 'validate hardness'; .* validate forces or all"),
        (["all", "--file", "soft"], "soft: is not hard"),
    ):
        with pytest.raises(UserError, match=message):
            raise rfp("validate", mine, *arguments).exception
    assert "'--pushes': Input should be greater than" in rfp("validate", mine, "hardness", "--pushes", "0").output
    found = json.loads(rfp("validate", mine, "hardness", "--pushes", "2", "--json").stdout)
    assert (found["n_pushed"], found["verdict"], found["quick"]) == (2, "pass", True)
    assert "push_ev_per_angstrom" in rfp("validate", mine, "hardness").stdout


def test_all_leaves_a_new_check_out_of_the_record(hardness, mine):
    found = validate(mine, "all", quick=True)
    assert list(found) == ["passed", "verdict", "forces", "hardness"]
    assert (found["hardness"]["n_pushed"], found["hardness"]["quick"]) == (4, False)
    record = read(mine)[0].record["validation"]
    assert record["checks"] == {name: found[name] for name in ("forces", "hardness")}
    assert "pass: forces pass (quick), hardness pass" in rfp("info", mine).stdout


def test_nobody_is_told_that_a_new_check_was_not_run(hardness, mine):
    validate(mine, "forces", quick=True)
    assert "pass so far: forces pass (quick); not run: hardness" in rfp("info", mine).stdout


def test_a_new_check_is_not_on_the_page(hardness, mine, tmp_path):
    page = tmp_path / "page.html"
    report(mine, page)
    assert "<code>rfp validate mine.rfp hardness</code>" in page.read_text()
    validate(mine, "hardness")
    figures = report(mine, page)
    text = page.read_text()
    assert figures["hardness"]["n_pushed"] == 4
    assert '<a href="#hardness">Hardness</a>' in text
    assert "hardness: ✓ pass" in text
    section = text[text.index('<h2 id="hardness">') :].split("</section>")[0]
    for told in ("force on the first atom", "&nbsp;eV/Å", "≤ 1000", "atoms that were pushed", 'data-value="4"'):
        assert told in section


def test_a_result_loses_its_units():
    assert figures_of(HardnessResult)["push_ev_per_angstrom"].unit == "eV/Å"
    assert HardnessResult(push_ev_per_angstrom=2e3, n_pushed=1).verdict == "pass with warnings"
    lenient = HardnessResult(push_ev_per_angstrom=2e4, n_pushed=1, lenient=("push_ev_per_angstrom",))
    assert (lenient.passed, lenient.verdicts) == (True, {"push_ev_per_angstrom": "pass with warnings"})


def test_an_option_of_an_old_check_is_refused_by_name(hardness):
    with pytest.raises(UserError, match="'engine' is no option of 'validate hardness', which takes pushes, file"):
        refuse_others("hardness", ["engine"])
