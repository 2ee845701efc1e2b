"""What a model's file says about its validation, to whoever opens it."""

import json
import os
import re
import shutil
from dataclasses import dataclass

import numpy as np
import pytest
from ase.io import write

import rfp_md
from rfp_md.artifact import load, read
from rfp_md.errors import UserError
from rfp_md.frames import Dataset
from rfp_md.io.atoms import to_atoms
from rfp_md.progress import Progress
from rfp_md.validation import record, validate
from rfp_md.validation.checks import names
from rfp_md.validation.result import CheckResult
from rfp_md.validation.thresholds import judge
from tests.cli.test_rfp_driver import accept, start
from tests.cli.test_rfp_driver import listener as listener  # a fixture
from tests.driver.server import header
from tests.programs import rfp

PASSED = {"passed": True, "verdict": "pass", "judged": [], "quick": False}
WARNED = PASSED | {"verdict": "pass with warnings"}
FAILED = PASSED | {"passed": False, "verdict": "fail"}
QUICK = PASSED | {"quick": True}


@dataclass(frozen=True, kw_only=True)
class Nothing(CheckResult):
    """What a check finds that looks at nothing."""


@pytest.fixture
def mine(model, tmp_path):
    """A model of one's own, to be written to."""
    return shutil.copy(model, tmp_path / "mine.rfp")


def said(path):
    """What rfp info says, in one line."""
    (line,) = [line for line in rfp("info", path).stdout.splitlines() if line.split()[0] == "validation"]
    return line.split(None, 1)[1]


class Listener(Progress):
    def __init__(self):
        self.messages = []

    def message(self, text):
        self.messages.append(text)


def test_results_stand_beside_others_and_nothing_else_changes(mine):
    before, arrays = read(mine)
    record.add(mine, {"forces": PASSED | {"net_force_ev_per_angstrom": 1e-12}})
    record.add(mine, {"nve": WARNED})
    after, same = read(mine)
    assert {key: value for key, value in after.record.items() if key != "validation"} == before.record
    assert after.model_copy(update={"record": before.record}) == before
    assert arrays.keys() == same.keys()
    assert all(np.array_equal(arrays[name], same[name]) for name in arrays)
    checks = after.record["validation"]["checks"]
    assert checks == {"forces": PASSED | {"net_force_ev_per_angstrom": 1e-12}, "nve": WARNED}
    assert load(mine).record == after.record


@pytest.mark.parametrize(
    ("results", "verdict"),
    [
        ([PASSED, PASSED], "pass"),
        ([WARNED, PASSED], "pass with warnings"),
        ([PASSED, FAILED], "fail"),
        ([FAILED, WARNED], "fail"),
    ],
)
def test_the_worst_check_is_the_verdict(mine, results, verdict):
    for name, result in zip(("nve", "geometry"), results, strict=True):
        record.add(mine, {name: result})
    assert read(mine)[0].record["validation"]["verdict"] == verdict


def test_a_check_that_is_run_again_replaces_what_it_said(mine):
    record.add(mine, {"forces": FAILED, "nve": PASSED})
    record.add(mine, {"forces": PASSED})
    assert read(mine)[0].record["validation"]["verdict"] == "pass"


def test_info_says_it_in_one_line(mine):
    assert said(mine) == "never validated"
    record.add(mine, {"forces": QUICK, "nve": PASSED})
    assert said(mine) == "pass so far: forces pass (quick), nve pass; not run: stability, geometry"
    record.add(mine, {"nve": FAILED})
    assert said(mine) == "fail: forces pass (quick), nve fail; not run: stability, geometry"


@pytest.mark.parametrize(
    ("results", "warning"),
    [
        ({}, "warning: {model} was never validated; run 'rfp validate {model} all'"),
        (
            {"forces": PASSED, "nve": FAILED},
            "warning: {model} failed its validation (nve); 'rfp info {model}' says more",
        ),
        ({"forces": QUICK}, "warning: {model} passed forces (quick); nve, stability, geometry were not run"),
        (
            {"forces": PASSED, "nve": WARNED, "geometry": PASSED},
            "warning: {model} passed forces, nve, geometry; stability was not run",
        ),
        (dict.fromkeys(names(), QUICK) | {"nve": WARNED}, None),
    ],
)
def test_the_driver_warns_in_one_line_or_is_silent(mine, listener, tmp_path, results, warning):
    if results:
        record.add(mine, results)
    process = start("--model", mine, "--unix", tmp_path / "ipi_test")
    with accept(listener) as connection:
        connection.sendall(header("EXIT"))
        lines = process.stderr.readlines()
    finish_code = process.wait(timeout=60)
    process.stdout.close()
    process.stderr.close()
    found = [line for line in lines if "warning" in line]
    assert found == ([] if warning is None else [f"rfp-driver: {warning.format(model=mine)}\n"])
    assert finish_code == 0


def test_validating_writes_the_record_that_info_tells(mine):
    result = validate(mine, "geometry")
    assert read(mine)[0].record["validation"]["checks"]["geometry"] == result
    assert said(mine) == f"pass so far: geometry {result['verdict']}; not run: forces, nve, stability"
    assert [path.name for path in mine.parent.iterdir()] == ["mine.rfp"]


def test_nobody_knows_which_structure_a_check_started_from(mine, potential, tmp_path):
    numbers = potential.reference.numbers.tolist()
    own = {"numbers": numbers, "cell": None, "pbc": [False] * 3, "file": None}
    assert validate(mine, "geometry")["start"] == own
    write(tmp_path / "start.xyz", to_atoms(potential.reference), format="extxyz")
    validate(mine, "geometry", structure=tmp_path / "start.xyz")
    start = read(mine)[0].record["validation"]["checks"]["geometry"]["start"]
    assert start == own | {"file": str(tmp_path / "start.xyz")}


def test_results_are_not_lost_where_the_model_cannot_be_written(mine, monkeypatch):
    """A folder that is read-only; a test that is run by root could not make one."""
    before = mine.read_bytes()
    asked = {}

    def run(row, potential, quick, seed, progress, options):
        asked[row.name] = options
        return dict(PASSED)

    monkeypatch.setattr("rfp_md.validation.run.run_check", run)
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    progress = Listener()
    assert validate(mine, "all", progress=progress) == {"passed": True, "verdict": "pass"} | dict.fromkeys(
        names(), PASSED
    )
    (warning,) = [message for message in progress.messages if "warning" in message]
    assert "mine.rfp: cannot be written (folder" in warning
    assert "checkpoint" not in asked["stability"]
    assert mine.read_bytes() == before
    assert [path.name for path in mine.parent.iterdir()] == ["mine.rfp"]


@pytest.fixture
def instead(monkeypatch):
    """What is done in place of each check, by its name; the others pass. And what they were asked."""
    acts, asked = {}, {}

    def run(row, potential, quick, seed, progress, options):
        asked[row.name] = options
        return acts.get(row.name, lambda: PASSED | {"quick": quick})()

    monkeypatch.setattr("rfp_md.validation.run.run_check", run)
    return acts, asked


def test_a_model_that_was_trained_meanwhile_gets_what_was_found_of_its_predecessor(mine, ethanol, instead):
    def train():
        rfp_md.train(Dataset((ethanol[:60],)), output=mine, regressor="rfnn:width=100", seed=3)
        return PASSED

    instead[0]["nve"] = train
    progress = Listener()
    assert validate(mine, "all", progress=progress)["passed"]
    (warning,) = [message for message in progress.messages if "warning" in message]
    assert "mine.rfp: is another model by now; what was found is not written into it" in warning
    assert "validation" not in read(mine)[0].record


def test_a_check_that_cannot_be_made_takes_the_others_along(mine, instead):
    def refuse():
        raise UserError("there is no LAMMPS")

    instead[0]["nve"] = refuse
    progress = Listener()
    found = validate(mine, "all", progress=progress)
    assert (found["passed"], found["verdict"], found["nve"]["error"]) == (False, "fail", "there is no LAMMPS")
    assert "nve: there is no LAMMPS" in progress.messages
    assert read(mine)[0].record["validation"] == {
        "verdict": "pass",
        "checks": dict.fromkeys(("forces", "stability", "geometry"), PASSED),
    }
    with pytest.raises(UserError, match="there is no LAMMPS"):
        validate(mine, "nve")


def test_a_quick_run_meets_the_checkpoint_of_a_whole_one(mine, instead):
    validate(mine, "all")
    assert instead[1]["stability"] == {"checkpoint": f"{mine}.stability"}
    validate(mine, "all", quick=True)
    assert instead[1]["stability"] == {}


@pytest.mark.parametrize(
    ("check", "options", "message"),
    [
        ("all", {"lenght": 5}, "'lenght' is no option of 'validate all', which takes quick, seed, engine, data, scan"),
        ("all", {"length": 5}, "--length has no effect on 'validate all'; leave it out, or validate nve or stability"),
        (
            "forces",
            {"n_structure": 5},
            "'n_structure' is no option of 'validate forces', which takes quick, seed, n_structures",
        ),
        ("geometry", {"engine": "ase"}, "--engine has no effect on 'validate geometry'; leave it out"),
        ("speed", {}, "'speed' is no check; say one of forces, nve, stability, geometry, all"),
    ],
)
def test_an_option_vanishes(mine, instead, check, options, message):
    with pytest.raises(UserError, match=message):
        validate(mine, check, **options)
    assert instead[1] == {}


def test_a_file_of_another_molecule_is_found_after_hours(mine, instead, tmp_path):
    (tmp_path / "h2.xyz").write_text("2\nenergy=0.0\nH 0 0 0\nH 0 0 0.74\n")
    for option in ("data", "scan"):
        with pytest.raises(UserError, match=rf"--{option} .*h2.xyz: "):
            validate(mine, "all", **{option: tmp_path / "h2.xyz"})
        with pytest.raises(UserError, match=r"none.xyz: no such file"):
            validate(mine, "all", **{option: tmp_path / "none.xyz"})
    assert instead[1] == {}
    (tmp_path / "h2.xyz").unlink()


@pytest.mark.parametrize(
    ("check", "options", "quick"),
    [
        ("forces", {}, False),
        ("forces", {"quick": True}, True),
        ("forces", {"n_structures": 1}, True),
        ("forces", {"n_structures": 7}, False),
        ("nve", {}, False),
        ("nve", {"length": 0.02}, True),
        ("nve", {"length": 50.0}, False),
        ("nve", {"length": None}, False),
        ("nve", {"temperature": [10.0]}, True),
        ("nve", {"temperature": 300.0}, True),
        ("nve", {"temperature": [100.0, 500.0]}, False),
        ("nve", {"temperature": np.array([100.0, 500.0])}, False),
        ("stability", {"temperature": 499.0}, True),
        ("stability", {"temperature": 600.0}, False),
        ("stability", {}, False),
        ("stability", {"length": 0.2}, True),
        ("stability", {"replicas": 1}, True),
        ("geometry", {"quick": True}, False),
    ],
)
def test_a_run_of_any_length_or_temperature_counts_as_a_whole_one(mine, monkeypatch, check, options, quick):
    module = f"rfp_md.validation.{check}.check_{check}"
    monkeypatch.setattr(f"{module}.check_{check}", lambda *args, **kwargs: Nothing())
    assert validate(mine, check, **options)["quick"] is quick


def test_a_short_run_replaces_what_a_whole_one_found(mine):
    record.add(mine, {"nve": PASSED | {"length_ps": 20.0}})
    record.add(mine, {"nve": QUICK | {"length_ps": 0.02}})
    assert read(mine)[0].record["validation"]["checks"]["nve"]["length_ps"] == 20.0


def judged(check, **figures):
    return PASSED | judge(check, figures) | figures


def test_a_failure_is_lost_to_a_run_that_did_not_look(mine):
    """As of stability with --data, then without."""
    record.add(mine, {"stability": judged("stability", stable_fraction=1.0, pair_distance_mae=0.9)})
    worse = judged("stability", stable_fraction=0.0)
    assert record.add(mine, {"stability": worse}) == ["pair_distance_mae"]
    kept = read(mine)[0].record["validation"]["checks"]["stability"]
    assert [(line["figure"], line.get("earlier", False)) for line in kept["judged"]] == [
        ("stable_fraction", False),
        ("pair_distance_mae", True),
    ]
    assert record.add(mine, {"stability": judged("stability", stable_fraction=1.0)}) == ["pair_distance_mae"]
    assert said(mine).startswith("fail: stability fail [pair_distance_mae]")
    better = judged("stability", stable_fraction=1.0, pair_distance_mae=0.1)
    assert record.add(mine, {"stability": better}) == []
    assert read(mine)[0].record["validation"]["checks"]["stability"] == better


def test_a_failure_of_a_whole_run_is_lost_to_two_quick_ones(mine):
    whole = judged("nve", drift_ratio=5.0)
    record.add(mine, {"nve": whole})
    record.add(mine, {"nve": judged("nve", drift_ratio=9.0) | {"quick": True}})
    assert record.add(mine, {"nve": judged("nve", drift_ratio=0.0) | {"quick": True}}) == ["drift_ratio"]
    assert read(mine)[0].record["validation"]["checks"]["nve"] == whole


def test_nobody_is_told_that_an_earlier_failure_stays(mine, instead):
    record.add(mine, {"stability": judged("stability", stable_fraction=1.0, pair_distance_mae=0.9)})
    instead[0]["stability"] = lambda: judged("stability", stable_fraction=1.0)
    progress = Listener()
    assert validate(mine, "stability", progress=progress)["passed"]
    (message,) = progress.messages
    assert message.startswith("stability: failed earlier by pair_distance_mae, which this run does not replace")


def test_like_atoms_in_another_order_fail_a_good_model(mine, potential, tmp_path):
    order = [0, 1, 2, 8, *range(3, 8)]  # the hydroxyl's hydrogen before those of the carbons
    other = to_atoms(potential.reference)[order]
    write(tmp_path / "other.xyz", other, format="extxyz")
    with pytest.raises(UserError, match=r"the atoms of .*other.xyz: stand in another order .*; take atoms\[") as found:
        validate(mine, "geometry", structure=tmp_path / "other.xyz")
    taken = json.loads(re.search(r"atoms\[(.*)\]", str(found.value))[1])
    write(tmp_path / "right.xyz", other[taken], format="extxyz")
    assert validate(mine, "geometry", structure=tmp_path / "right.xyz")["changed_bonds"] == 0


def test_what_is_not_a_number_is_kept_as_nothing():
    found = record.plain({"a": np.nan, "b": [1.0, float("inf")], "c": {"d": None, "e": True, "f": 3}})
    assert found == {"a": None, "b": [1.0, None], "c": {"d": None, "e": True, "f": 3}}
