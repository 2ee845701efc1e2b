"""What a model's file says about its validation, to whoever opens it."""

import os
import shutil

import numpy as np
import pytest

from rfp_md.artifact import load, read
from rfp_md.progress import Progress
from rfp_md.validation import record, validate
from tests.cli.test_cli import rfp
from tests.driver.server import header
from tests.driver.test_app import accept, start
from tests.driver.test_app import listener as listener  # a fixture

PASSED = {"passed": True, "verdict": "pass"}
WARNED = {"passed": True, "verdict": "pass with warnings"}
FAILED = {"passed": False, "verdict": "fail"}


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
    assert record.doubt(read(mine)[0].record, mine) is None


def test_info_says_it_in_one_line(mine):
    assert said(mine) == "never validated"
    record.add(mine, {"forces": PASSED | {"quick": True}, "nve": FAILED})
    assert said(mine) == "fail: forces pass (quick), nve fail; not run: stability, geometry"


@pytest.mark.parametrize(
    ("results", "warning"),
    [
        ({}, "warning: {model} was never validated; run 'rfp validate {model} all'"),
        (
            {"forces": PASSED, "nve": FAILED},
            "warning: {model} failed its validation (nve); 'rfp info {model}' says more",
        ),
        ({"forces": PASSED, "nve": WARNED}, None),
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
    found = [line for line in lines if "validat" in line]
    assert found == ([] if warning is None else [f"rfp-driver: {warning.format(model=mine)}\n"])
    assert finish_code == 0


def test_validating_writes_the_record_that_info_tells(mine):
    result = validate(mine, "geometry")
    assert read(mine)[0].record["validation"]["checks"]["geometry"] == result
    assert said(mine).startswith(f"{result['verdict']}: geometry {result['verdict']}; not run: forces")
    assert [path.name for path in mine.parent.iterdir()] == ["mine.rfp"]


def test_results_are_not_lost_where_the_model_cannot_be_written(mine, monkeypatch):
    """A folder that is read-only; a test that is run by root could not make one."""
    before = mine.read_bytes()
    asked = {}

    def run(name, subject, quick, seed, progress, options):
        asked[name] = options
        return dict(PASSED)

    monkeypatch.setattr("rfp_md.validation._run", run)
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    progress = Listener()
    assert validate(mine, "all", progress=progress) == PASSED | dict.fromkeys(record.CHECKS, PASSED)
    (warning,) = [message for message in progress.messages if "warning" in message]
    assert "mine.rfp: cannot be written (folder" in warning
    assert "checkpoint" not in asked["stability"]
    assert mine.read_bytes() == before
    assert [path.name for path in mine.parent.iterdir()] == ["mine.rfp"]


def test_what_is_not_a_number_is_kept_as_nothing():
    found = record.plain({"a": np.nan, "b": [1.0, float("inf")], "c": {"d": None, "e": True, "f": 3}})
    assert found == {"a": None, "b": [1.0, None], "c": {"d": None, "e": True, "f": 3}}
