"""Files of every version of the format load, and predict what they did when they were made."""

import json
import shutil

import numpy as np
import pytest
from safetensors import safe_open

from rfp_md.artifact import FORMAT_VERSION, identity, load, read, rewrite_record
from rfp_md.artifact.migrations import STEPS
from rfp_md.errors import UserError
from rfp_md.frames import Frames
from rfp_md.training.presets import MOLECULE
from tests.artifact.test_file import rewritten
from tests.conftest import ROOT
from tests.programs import rfp

FROZEN = ROOT / "tests/artifacts"
OLD = FROZEN / "format_1_accurate_crystal.rfp"
SAME = 1e-10  # relative to the largest number
LARGEST = 300_000  # bytes


def stored_header(path):
    """The JSON as it stands in the file."""
    with safe_open(path, framework="numpy") as file:
        return json.loads(file.metadata()["rfp"])


@pytest.mark.parametrize("path", sorted(FROZEN.glob("format_*.rfp")), ids=lambda path: path.stem)
def test_a_frozen_model_predicts_something_else_than_when_it_was_made(path):
    assert path.stat().st_size < LARGEST
    expected = json.loads(path.with_suffix(".json").read_text())
    numbers, positions = np.array(expected["numbers"]), np.array(expected["positions"])
    cells = None if expected["cells"] is None else np.array(expected["cells"])
    prediction = load(path).compute(Frames(numbers, positions, cells=cells, pbc=tuple(expected["pbc"])))
    for name, unit in (("energies", "ev"), ("forces", "ev_per_angstrom"), ("virials", "ev")):
        if (known := expected.get(f"{name}_{unit}")) is not None:
            np.testing.assert_allclose(getattr(prediction, name), known, rtol=0, atol=SAME * np.abs(known).max())


@pytest.mark.parametrize("version", range(1, FORMAT_VERSION + 1))
@pytest.mark.parametrize("preset", MOLECULE)
def test_a_preset_is_not_among_the_frozen(version, preset):
    assert stored_header(FROZEN / f"format_{version}_{preset}.rfp")["format_version"] == version


def test_a_step_between_two_versions_is_missing():
    assert sorted(STEPS) == list(range(1, FORMAT_VERSION))


def test_the_elements_of_version_1_get_lost_on_the_way():
    header, arrays = read(OLD)
    assert (header.stored_version, header.format_version) == (1, FORMAT_VERSION)
    assert header.elements == [29, 79]
    assert [entry.name for entry in header.baselines] == ["elements"]
    known = dict(zip(arrays["baselines.0.elements"], arrays["baselines.0.energies"], strict=True))
    assert known == {int(z): energy for z, energy in stored_header(OLD)["baseline_ev"].items()}


def test_a_record_that_is_rewritten_makes_another_model_of_an_old_file(tmp_path):
    path = tmp_path / "old.rfp"
    shutil.copy(OLD, path)
    before, of = load(path), identity(path)
    assert "1" in next(line for line in rfp("info", path).stdout.splitlines() if "format version" in line)
    rewrite_record(path, lambda record: record | {"note": 1}, identity=of)
    assert stored_header(path)["format_version"] == FORMAT_VERSION
    assert json.loads(rfp("info", path, "--json").stdout)["baseline_ev"].keys() == {"29", "79"}
    assert identity(path) == of
    after = load(path)
    assert after.record == before.record | {"note": 1}
    np.testing.assert_array_equal(after.compute(after.reference).forces, before.compute(before.reference).forces)


@pytest.mark.parametrize("energies", [None, [1.0], {"copper": 1.0}, {"29": "much"}])
def test_a_damaged_header_of_version_1_is_no_sentence(tmp_path, energies):
    path = rewritten(OLD, tmp_path / "odd.rfp", values=stored_header(OLD) | {"baseline_ev": energies})
    with pytest.raises(UserError, match=r"odd.rfp: is not a valid rfp model \("):
        read(path)


@pytest.mark.parametrize("version", [0, -1, FORMAT_VERSION + 1, "1", 1.0, True, None, [1]])
def test_a_version_that_never_was_is_read(model, tmp_path, version):
    path = rewritten(model, tmp_path / "odd.rfp", header={"format_version": version})
    with pytest.raises(UserError, match=rf"odd.rfp: has format version .* reads versions up to {FORMAT_VERSION}"):
        read(path)
