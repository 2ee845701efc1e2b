"""rfp data and rfp sample as a user meets them: tables, JSON, one-line errors."""

import json

import numpy as np
import pytest

from tests.conftest import ETHANOL
from tests.io.test_datasets import serving
from tests.programs import refused, rfp


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("RFP_DATA", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return tmp_path / "cache"


def test_the_list_says_what_is_cached_and_fetches_nothing(folder):
    entries = {entry["name"]: entry for entry in json.loads(rfp("data", "list", "--json").stdout)}
    assert entries["md17_aspirin"]["cached"] is False
    assert not folder.exists()
    path = folder / "rmd17/rmd17_uracil_test_02.npz"
    path.parent.mkdir(parents=True)
    path.touch()
    (line,) = [line for line in rfp("data").stdout.splitlines() if line.startswith("rmd17_uracil_test")]
    assert line.split()[0] == "rmd17_uracil_test_01..05"
    assert line.endswith("1 of 5")


def test_fetch_prints_the_checksum_and_what_to_do_next(folder, tmp_path):
    np.savez(tmp_path / "a.npz", z=[1], R=np.zeros((2, 1, 3)), E=np.zeros(2), F=np.zeros((2, 1, 3)))
    with serving((tmp_path / "a.npz").read_bytes()) as (url, _):
        text = rfp("data", "fetch", "md17_uracil", "--mirror", url).stdout
        result = json.loads(rfp("data", "fetch", "md17_uracil", "--mirror", url, "--json").stdout)
    assert result["sha256"] in text
    assert "note it" in text
    assert f"rfp train {result['path']} -o md17_uracil.rfp" in text
    assert "--energy-unit kcal/mol --length-unit angstrom" in text
    assert result["downloaded"] is False


def test_fetch_without_a_network_is_one_line(folder):
    assert "(ConnectionError)" in refused("data", "fetch", "md17_uracil", "--mirror", "http://127.0.0.1:1")


def test_convert_prints_one_json_object(tmp_path):
    result = rfp("data", "convert", f"{ETHANOL}@:5", "-o", tmp_path / "a.npz", "--json")
    assert json.loads(result.stdout)["frames"] == 5
    assert "name an output with one of these endings" in refused("data", "convert", ETHANOL, "-o", tmp_path / "a.h5")


def test_sample_prints_one_json_object_though_the_calculator_talks(tmp_path, monkeypatch):
    (tmp_path / "talking.py").write_text(
        "from ase.calculators.emt import EMT\n"
        "class Talking(EMT):\n"
        "    def calculate(self, *arguments):\n"
        "        print('hello')\n"
        "        super().calculate(*arguments)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    options = ("--calculator", "talking:Talking", "--frames", "2", "--stride", "1", "--warm-up", "0")
    result = rfp("sample", f"{ETHANOL}@0:1", "-o", tmp_path / "a.extxyz", *options, "--json")
    assert json.loads(result.stdout)["frames"] == 2
    assert "hello" in result.stderr
    assert "--frames 0" in refused("sample", ETHANOL, "-o", "a.extxyz", "--calculator", "a:B", "--frames", "0")


def test_an_audit_that_finds_copies_exits_with_1(tmp_path):
    clean = rfp("data", "audit", f"{ETHANOL}@:300", f"{ETHANOL}@300:", "--json")
    assert (clean.returncode, json.loads(clean.stdout)["summary"]) == (0, "none found")
    leaking = rfp("data", "audit", f"{ETHANOL}@:300", f"{ETHANOL}@280:320")
    assert leaking.returncode == 1
    assert "of 40 frames, 20 repeat a training frame exactly" in leaking.stdout


def test_a_model_can_be_audited_in_place_of_its_frames(model):
    result = rfp("data", "audit", model, f"{ETHANOL}@190:210", "--json")
    assert json.loads(result.stdout)["exact"] == 10
