"""Model files with a right checksum whose parts do not fit each other: one sentence, before anything is computed."""

import json

import numpy as np
import pytest

import rfp_md
from rfp_md.artifact import load, read
from rfp_md.errors import UserError
from rfp_md.frames import Dataset
from tests.artifact.test_file import rewritten
from tests.conftest import BENZENE


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Small models of benzene by name."""
    folder, frames = tmp_path_factory.mktemp("assembly"), Dataset((rfp_md.read(f"{BENZENE}@:20").blocks[0],))
    kinds = {
        "pairs": {"descriptor": ["inverse_distances:width=20"]},
        "local": {"descriptor": ["many_body:width=20,components=5"]},
        "parts": {"descriptor": ["concatenate:of=coulomb_matrix+inverse_distances(symmetrize=false),width=20"]},
        "process": {"descriptor": ["inverse_distances"], "regressor": "gaussian_process"},
        "direct": {"descriptor": ["coulomb_matrix:width=20"], "target": "direct"},
    }
    for name, options in kinds.items():
        rfp_md.train(frames, output=folder / f"{name}.rfp", **options)
    return {name: folder / f"{name}.rfp" for name in kinds}


def first(arrays, ending):
    return next(name for name in sorted(arrays) if name.endswith(ending))


def refusal(path, tmp_path, change):
    """What is said of a model with other arrays: ``change`` returns new ones, None for those that go."""
    _, arrays = read(path)
    for name, array in change(dict(arrays)).items():
        if array is None:
            del arrays[name]
        else:
            arrays[name] = np.ascontiguousarray(array)
    header, _ = read(path)
    new = rewritten_with(path, tmp_path / "new.rfp", header, arrays)
    with pytest.raises(UserError) as caught:
        load(new)
    assert str(caught.value).startswith(f"{new}: ")
    return str(caught.value)


def rewritten_with(path, target, header, arrays):
    from safetensors.numpy import save_file

    from rfp_md.artifact.container import digest

    text = json.dumps(header.model_dump(mode="json", exclude_none=True), sort_keys=True)
    save_file(arrays | {"sha256": digest(text, arrays)}, target, metadata={"rfp": text})
    return target


@pytest.mark.parametrize("name", ["pairs", "local", "parts", "direct"])
@pytest.mark.parametrize("columns", [-3, 100])
def test_weights_of_other_columns_than_the_descriptor_gives_reach_a_compiled_loop(name, columns, models, tmp_path):
    def change(arrays):
        key = first(arrays, ".weights")
        new = arrays[key][:, :columns] if columns < 0 else np.pad(arrays[key], ((0, 0), (0, columns)))
        return {key: new}

    assert "weights has shape (" in refusal(models[name], tmp_path, change)


@pytest.mark.parametrize(
    ("name", "ending"),
    [
        ("pairs", ".biases"),
        ("pairs", "automorphisms"),
        ("pairs", "fragments"),
        ("pairs", "readout"),
        ("pairs", "reference.positions"),
        ("local", "mixing"),
        ("local", "terms.0.elements"),
        ("local", "regressor.0.6.weights"),
        ("parts", "terms.0.1.automorphisms"),
        ("process", ".components"),
        ("process", "amplitude"),
        ("direct", "forces.readout"),
        ("pairs", "baselines.0.energies"),
        ("pairs", "fingerprints.steps"),
    ],
)
def test_a_part_that_is_missing_is_taken_for_nothing(name, ending, models, tmp_path):
    said = refusal(models[name], tmp_path, lambda arrays: {first(arrays, ending): None})
    assert "it lacks" in said


def test_arrays_that_nothing_reads_are_carried_along(models, tmp_path):
    assert "which nothing here has" in refusal(models["pairs"], tmp_path, lambda _: {"regressor.more": np.zeros(3)})
    assert "terms.7.x" in refusal(models["pairs"], tmp_path, lambda _: {"terms.7.x": np.zeros(3)})


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("local", lambda a: {"terms.0.mixing": a["terms.0.mixing"][..., :1]}, "mixing has shape"),
        ("local", lambda a: {"terms.0.projections": a["terms.0.projections"][..., :9]}, "projections has shape"),
        ("local", lambda a: {"terms.0.elements": np.array([6, 1])}, "elements is not ascending"),
        ("local", lambda a: {"terms.0.elements": np.array([1, 1])}, "elements is not ascending"),
        ("local", lambda a: {"baselines.0.elements": np.array([6, 300])}, "at most 118"),
        ("pairs", lambda a: {"terms.0.automorphisms": np.zeros((0, 30_000), np.int64)}, "automorphisms has shape"),
        ("pairs", lambda a: {"terms.0.automorphisms": a["terms.0.automorphisms"] + 1}, "at most 11"),
        ("pairs", lambda a: {"terms.0.fragments": a["terms.0.fragments"] + 100}, "at most 11"),
        ("pairs", lambda a: {"regressor.committee": a["regressor.committee"][:, :1]}, "fewer than two members"),
        ("pairs", lambda a: {"reference.positions": np.zeros((0, 12, 3))}, "positions has shape"),
        ("pairs", lambda a: {"reference.positions": np.zeros((1, 30_000, 3))}, "positions has shape"),
        ("pairs", lambda a: {"reference.cell": np.zeros((1, 2, 3))}, "cell has shape"),
        ("pairs", lambda a: {"split.valid": np.array([-1])}, "at least 0"),
        ("process", lambda a: {first(a, ".components"): a[first(a, ".components")] + 1000}, "at most 65"),
        ("process", lambda a: {first(a, ".weights"): a[first(a, ".weights")][:-1]}, "directions has shape"),
        ("direct", lambda a: {"forces.readout": a["forces.readout"][:, :-1]}, "readout has shape"),
        ("parts", lambda a: {"terms.0.widths": np.array([1, 2, 3])}, "widths has shape"),
    ],
)
def test_an_array_that_does_not_fit_the_others_is_used(name, change, said, models, tmp_path):
    assert said in refusal(models[name], tmp_path, change)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"numbers": [2**70] * 12}, "numbers.0"),
        ({"numbers": [6] * 13}, "formula is not that of numbers"),
        ({"elements": [6, 1]}, "elements are not ascending"),
        ({"elements": [6]}, "numbers has an element"),
        ({"formula": "\x1b[31mC6H6"}, "formula"),
        ({"units": {"energy": "hartree"}}, "units"),
        ({"fixed_composition": False}, "fixed_composition"),
        ({"record": {"data": [1]}}, "record.data"),
        ({"record": {"data": None}}, "data is nothing"),
        ({"record": {"leakage": "x"}}, "leakage"),
        ({"record": {"fit": 3}}, "fit"),
        ({"record": {"fit": {"valid_energy_mae_ev": "small"}}}, "is no number"),
        ({"record": {"validation": {"checks": {"forces": {}}}}}, "validation"),
        ({"record": {"validation": {"verdict": "splendid", "checks": {}}}}, "verdict"),
    ],
)
def test_a_header_that_is_not_what_it_says_is_believed(change, said, models, tmp_path):
    path = rewritten(models["pairs"], tmp_path / "new.rfp", header=change)
    with pytest.raises(UserError, match=r"new.rfp: is not a valid rfp model \(") as caught:
        load(path)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("parameter", "value"), [("cutoff", 1e4), ("n_radial", 10**9), ("channels", 10**9), ("components", 10**9)]
)
def test_a_parameter_without_bound_takes_all_memory(parameter, value, models, tmp_path):
    header, _ = read(models["local"])
    term = header.terms[0].model_dump()
    term["parameters"][parameter] = value
    path = rewritten(models["local"], tmp_path / "new.rfp", header={"terms": [term]})
    with pytest.raises(UserError, match=f"{parameter}={value}"):
        load(path)


def test_a_header_without_bottom_is_an_internal_error(models, tmp_path):
    from safetensors.numpy import save_file

    from rfp_md.artifact.container import digest

    header, arrays = read(models["pairs"])
    text = json.dumps(header.model_dump(mode="json", exclude_none=True))
    deep = text.replace('"record": {', '"record": {"x": ' + "[" * 3000 + "]" * 3000 + ", ")
    for bad in (deep, text.replace('"seed": 0', '"seed": NaN'), text.replace('"seed": 0', '"seed": 1e999')):
        assert bad != text
        save_file(arrays | {"sha256": digest(bad, arrays)}, tmp_path / "deep.rfp", metadata={"rfp": bad})
        with pytest.raises(UserError, match=r"deep.rfp: is not a valid rfp model \("):
            load(tmp_path / "deep.rfp")
