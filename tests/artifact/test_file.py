import json
import resource
import shutil
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import rfp_md
from rfp_md.artifact import identity, load, read, rewrite_record, save
from rfp_md.baselines.elements import Elements
from rfp_md.errors import UserError
from rfp_md.frames import Dataset

OTHER = Elements().restore({"elements": np.array([1, 6, 8]), "energies": np.array([0.0, 0.0, 1e-9])})


def rewritten(model, path, header=None, arrays=None, values=None):
    """The model with a changed header or arrays, and a checksum that fits.

    Args:
        values: in place of the whole header, beside the changes.
    """
    from rfp_md.artifact.container import digest

    old_header, old_arrays = read(model)
    text = json.dumps((values or old_header.model_dump(mode="json")) | (header or {}), sort_keys=True)
    tensors = old_arrays | (arrays or {})
    save_file(tensors | {"sha256": digest(text, tensors)}, path, metadata={"rfp": text})
    return path


def test_a_saved_potential_comes_back_the_same(ethanol, tmp_path):
    trained = rfp_md.train(Dataset((ethanol[:60],)), descriptor=["inverse_distances:fragment=0,width=60"])
    save(trained, tmp_path / "a.rfp")
    loaded = load(tmp_path / "a.rfp")
    before, after = trained.compute(ethanol[:5]), loaded.compute(ethanol[:5])
    np.testing.assert_array_equal(before.energies, after.energies)
    np.testing.assert_array_equal(before.forces, after.forces)
    assert loaded.record == trained.record


def test_the_same_seed_gives_the_same_bytes(ethanol, tmp_path):
    for name in ("a.rfp", "b.rfp"):
        rfp_md.train(Dataset((ethanol[:60],)), output=tmp_path / name, regressor="rfnn:width=100", seed=3)
    assert (tmp_path / "a.rfp").read_bytes() == (tmp_path / "b.rfp").read_bytes()


def test_the_record_says_where_the_model_comes_from(model, potential):
    header, arrays = read(model)
    assert (header.terms[0].name, header.terms[0].package) == ("inverse_distances", "rfp-md")
    assert header.terms[0].parameters["symmetrize"] is True
    assert header.record["data"]["frames"] == 200
    assert len(header.record["data"]["sha256"]) == 64
    assert sorted(np.concatenate([arrays["split.train"], arrays["split.valid"]])) == list(range(200))


def test_no_pickle_is_in_the_file(model):
    assert all(array.dtype in (np.float64, np.int64, np.uint8) for array in load_file(model).values())


@pytest.mark.parametrize("fraction", [0.0, 0.001, 0.3, 0.999])
def test_a_truncated_file_is_refused(model, tmp_path, fraction):
    content = model.read_bytes()
    path = tmp_path / "cut.rfp"
    path.write_bytes(content[: int(fraction * len(content))])
    with pytest.raises(UserError, match=r"cut.rfp: is not an rfp model, or is damaged"):
        load(path)


def test_every_flipped_bit_is_noticed(model, tmp_path, rng):
    content = model.read_bytes()
    header_end = 8 + int.from_bytes(content[:8], "little")
    places = np.concatenate([rng.integers(0, header_end, 150), rng.integers(header_end, len(content), 50)])
    path = tmp_path / "flipped.rfp"
    for place in places:
        damaged = bytearray(content)
        damaged[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        with pytest.raises(UserError, match=r"flipped.rfp: "):
            load(path)


def test_what_is_no_model_is_refused(tmp_path):
    (tmp_path / "text.rfp").write_text("hello")
    save_file({"x": np.zeros(3)}, tmp_path / "tensors.rfp")
    with pytest.raises(UserError, match=r"text.rfp: is not an rfp model"):
        load(tmp_path / "text.rfp")
    with pytest.raises(UserError, match=r"tensors.rfp: is a safetensors file, but not an rfp model"):
        load(tmp_path / "tensors.rfp")
    with pytest.raises(UserError, match=r"none.rfp: no such file; train a model"):
        load(tmp_path / "none.rfp")


def test_a_newer_format_is_refused_with_the_remedy(model, tmp_path):
    path = rewritten(model, tmp_path / "new.rfp", header={"format_version": 99})
    with pytest.raises(UserError, match=r"has format version 99, but rfp-md .* reads versions up to 3; upgrade"):
        load(path)


def test_a_missing_plugin_is_named_with_its_package(model, tmp_path):
    entry = {"name": "wonder", "package": "rfp-wonder", "version": "2.1", "parameters": {}}
    path = rewritten(model, tmp_path / "plugin.rfp", header={"terms": [entry]})
    with pytest.raises(UserError, match=r"needs descriptor 'wonder' of .* pip install 'rfp-wonder==2.1'"):
        load(path)


def test_a_package_that_registers_nothing_is_told_apart_from_one_that_is_missing(model, tmp_path):
    entry = {"name": "wonder", "package": "rfp-md", "version": "0.1.0", "parameters": {}}
    path = rewritten(model, tmp_path / "plugin.rfp", header={"terms": [entry]})
    with pytest.raises(UserError, match="of rfp-md, which is installed but registers no such name"):
        load(path)


@pytest.mark.parametrize(
    ("version", "since", "loads"),
    [("0.0.5", "0.0.1", True), ("0.0.5", "0.0.9", False), ("0.0.5", None, False), ("99", "0.0.1", False)],
)
def test_another_version_of_a_plugin_must_declare_itself_compatible(
    model, tmp_path, monkeypatch, version, since, loads
):
    monkeypatch.setattr("rfp_md.regressors.random_fourier.RandomFourier.compatible_since", since)
    entry = read(model)[0].regressor.model_dump() | {"version": version}
    path = rewritten(model, tmp_path / "other.rfp", header={"regressor": entry})
    if loads:
        load(path)
    else:
        with pytest.raises(UserError, match=rf"was made with regressor 'random_fourier' of rfp-md {version}, but"):
            load(path)


@pytest.mark.parametrize("missing", ["numbers", "elements", "baselines", "terms", "regressor", "record"])
def test_a_header_without_a_key_is_refused(model, tmp_path, missing):
    path = rewritten(model, tmp_path / "header.rfp", header={missing: None})
    with pytest.raises(UserError, match=r"header.rfp: is not a valid rfp model"):
        load(path)


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("regressor.readout", np.zeros(3)),
        ("regressor.0.0.weights", np.zeros((600, 35))),
        ("terms.0.automorphisms", np.zeros((12, 9), dtype=np.int64)),
        ("reference.positions", np.zeros((1, 4, 3))),
    ],
)
def test_arrays_of_the_wrong_shape_are_refused(model, tmp_path, name, array):
    path = rewritten(model, tmp_path / "shape.rfp", arrays={name: array})
    with pytest.raises(UserError, match=r"shape.rfp: (is not a valid rfp model|its reference structure: positions)"):
        load(path)


def test_numbers_that_are_not_finite_are_refused(model, tmp_path):
    path = rewritten(model, tmp_path / "nan.rfp", arrays={"regressor.readout": np.full(600, np.nan)})
    with pytest.raises(UserError, match=r"nan.rfp: holds numbers that are not finite"):
        load(path)


def test_a_folder_that_does_not_exist_loses_nothing(potential, tmp_path):
    with pytest.raises(UserError, match=r"cannot be written .*; choose a folder that exists"):
        save(potential, tmp_path / "nowhere" / "model.rfp")


def test_a_failed_write_leaves_the_old_file_and_no_rubbish(potential, tmp_path):
    path = tmp_path / "model.rfp"
    path.write_text("old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(UserError, match=r"model.rfp: cannot be written"):
            save(potential, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_to_a_model_stays_one_and_nobody_else_may_read_it_afterwards(model, tmp_path):
    (tmp_path / "store").mkdir()
    real, link = tmp_path / "store" / "real.rfp", tmp_path / "link.rfp"
    shutil.copy(model, real)
    real.chmod(0o600)
    link.symlink_to("store/real.rfp")
    rewrite_record(link, lambda record: record | {"note": 1})
    assert link.is_symlink()
    assert read(real)[0].record["note"] == 1
    assert real.stat().st_mode & 0o777 == 0o600
    assert {path.name for path in tmp_path.rglob("*")} == {"store", "real.rfp", "link.rfp"}


def test_a_new_file_has_the_permissions_that_the_user_gives_to_new_files(potential, tmp_path):
    save(potential, tmp_path / "model.rfp")
    (tmp_path / "plain").touch()
    assert (tmp_path / "model.rfp").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_what_was_found_of_one_model_is_written_into_another(potential, model, tmp_path):
    path = tmp_path / "mine.rfp"
    shutil.copy(model, path)
    of = identity(path)
    rewrite_record(path, lambda record: record | {"note": 1}, identity=of)
    assert identity(path) == of
    save(replace(potential, baselines=[OTHER]), path)
    before = path.read_bytes()
    with pytest.raises(UserError, match=r"mine.rfp: is another model by now; what was found is not written into it"):
        rewrite_record(path, lambda record: record | {"note": 2}, identity=of)
    assert path.read_bytes() == before


def test_of_two_who_write_at_once_one_is_lost(model, tmp_path):
    path = tmp_path / "mine.rfp"
    shutil.copy(model, path)

    def note(name):
        def change(record):
            time.sleep(0.05)
            return record | {"notes": [*record.get("notes", []), name]}

        rewrite_record(path, change)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(note, range(4)))
    assert sorted(read(path)[0].record["notes"]) == [0, 1, 2, 3]
    assert list(tmp_path.iterdir()) == [path]


def test_a_record_that_is_being_written_brings_the_old_model_back(potential, model, tmp_path):
    path = tmp_path / "mine.rfp"
    shutil.copy(model, path)
    trained = replace(potential, baselines=[OTHER])
    begun = threading.Event()

    def change(record):
        begun.set()
        time.sleep(0.2)
        return record

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(rewrite_record, path, change)
        begun.wait()
        save(trained, path)
        writing.result()
    assert load(path).baselines[0].state["energies"].tolist() == [0.0, 0.0, 1e-9]


@pytest.mark.parametrize("text", ["[1]", "null", "{", '{"format_version": 1}'])
def test_a_header_that_is_no_header_is_refused(model, tmp_path, text):
    from rfp_md.artifact.container import digest

    _, arrays = read(model)
    path = tmp_path / "odd.rfp"
    save_file(arrays | {"sha256": digest(text, arrays)}, path, metadata={"rfp": text})
    with pytest.raises(UserError, match=r"odd.rfp: is not a valid rfp model"):
        read(path)


def test_numbers_of_another_type_are_refused(model, tmp_path):
    path = rewritten(model, tmp_path / "f4.rfp", arrays={"regressor.readout": np.zeros(600, dtype=np.float32)})
    with pytest.raises(UserError, match=r"f4.rfp: holds numbers .* of a type that no model has"):
        load(path)


@pytest.mark.parametrize("path", ["/dev/null", "."])
def test_a_device_or_a_folder_is_never_replaced(potential, path):
    with pytest.raises(UserError, match="it is a folder or a device"):
        save(potential, path)
