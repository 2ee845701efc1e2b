"""What a training refuses."""

import json
from dataclasses import replace

import numpy as np
import pytest

import rfp_md
from rfp_md.errors import UserError
from rfp_md.frames import Dataset, Frames
from tests.conftest import BENZENE
from tests.heard import Heard


def test_validation_frames_with_an_element_that_no_training_frame_has_are_refused(ethanol, tmp_path):
    both = Dataset((rfp_md.read(BENZENE).blocks[0][:10], ethanol[:5]))
    split = tmp_path / "split.json"
    split.write_text(json.dumps({"train": list(range(10)), "valid": [10, 11]}))
    with pytest.raises(UserError, match="the validation frames have O, but none of the 10 training frames has"):
        rfp_md.train(both, split=str(split))


def test_a_cell_and_stresses_of_a_free_molecule_are_left_alone(ethanol):
    """Its energy does not depend on them: there are no strain rows, not even for a moment."""
    some = ethanol[:60]
    cells = np.tile(20.0 * np.eye(3), (len(some), 1, 1))
    boxed = replace(some, cells=cells, stresses=np.ones_like(cells))
    descriptor = ["many_body:width=100"]
    plain, with_cell = (rfp_md.train(Dataset((frames,)), descriptor=descriptor) for frames in (some, boxed))
    assert with_cell.record["fit"]["stress_weight"] is None
    np.testing.assert_array_equal(plain.compute(some).forces, with_cell.compute(some).forces)


def labelled(numbers, n_frames, seed, *, periodic=False):
    """Frames of a made-up surface, Σ 1/r, and its forces, of few atoms in a line and rattled."""
    rng, n = np.random.default_rng(seed), len(numbers)
    positions = np.arange(n)[:, None] * [1.1, 0.2, 0.0] + 0.05 * rng.normal(size=(n_frames, n, 3))
    apart = positions[:, :, None] - positions[:, None]
    r = np.linalg.norm(apart, axis=-1) + np.eye(n)
    off = 1 - np.eye(n)
    return Frames(
        np.array(numbers),
        positions,
        energies=0.5 * (off / r).sum(axis=(1, 2)),
        forces=(off[..., None] * apart / r[..., None] ** 3).sum(axis=2),
        cells=np.tile(8.0 * np.eye(3), (n_frames, 1, 1)) if periodic else None,
        pbc=(periodic,) * 3,
    )


SMALL = "many_body:cutoff=3.0,n_radial=3,max_angular=1,channels=3,components=6,body_order=2"


@pytest.mark.parametrize("regressor", ["random_fourier:width=30", "rfnn:width=30", "linear", "kernel_ridge:width=30"])
def test_a_frame_that_lacks_an_element_is_fitted_saved_and_loaded(regressor, tmp_path):
    frames = Dataset((labelled([1, 1], 20, 0), labelled([8, 1, 1], 20, 1)))
    potential = rfp_md.train(frames, descriptor=[SMALL], regressor=regressor, output=tmp_path / "mixed.rfp")
    loaded = rfp_md.load(tmp_path / "mixed.rfp")
    for block in frames:
        found = loaded.compute(block)
        np.testing.assert_array_equal(found.energies, potential.compute(block).energies)
        assert np.abs(found.forces - block.forces).mean() < 0.5 * np.abs(block.forces).mean()


def test_features_see_an_element_that_only_one_of_very_many_frames_has():
    frames = Dataset((labelled([1, 1], 2300, 0), labelled([8, 1], 4, 1)))
    potential = rfp_md.train(frames, descriptor=[SMALL], regressor="random_fourier:width=20", n_valid=20, seed=3)
    assert {key.split(".")[1] for key in potential.regressor.state if key.endswith("weights")} == {"1", "8"}
    again = [potential.compute(frames.blocks[1]).forces for _ in range(3)]
    np.testing.assert_array_equal(again[0], again[1])
    np.testing.assert_array_equal(again[0], again[2])


def split_between(path, n_train, n):
    path.write_text(json.dumps({"train": list(range(n_train)), "valid": list(range(n_train, n))}))
    return str(path)


def test_validation_frames_in_another_order_of_atoms_are_refused(tmp_path):
    frames = Dataset((labelled([8, 1, 1], 12, 0), labelled([1, 8, 1], 12, 1)))
    split = split_between(tmp_path / "split.json", 12, 24)
    with pytest.raises(UserError, match="'inverse_distances' needs one composition in one order of atoms"):
        rfp_md.train(frames, descriptor=["inverse_distances:width=20"], split=split)


def test_periodic_validation_frames_are_refused_where_images_are_not_seen(tmp_path):
    frames = Dataset((labelled([8, 1, 1], 12, 0), labelled([8, 1, 1], 12, 1, periodic=True)))
    split = split_between(tmp_path / "split.json", 12, 24)
    with pytest.raises(UserError, match="is periodic, but descriptor 'inverse_distances' sees free molecules only"):
        rfp_md.train(frames, descriptor=["inverse_distances:width=20"], regressor="rfnn:activation=relu", split=split)


def test_the_presets_number_of_features_is_dropped_without_a_word(ethanol):
    frames, heard = Dataset((ethanol[:30],)), Heard()
    model = rfp_md.train(frames, preset="fast", regressor="random_fourier:kernel=matern52")
    assert model.record["widths"] == [2000]
    assert model.regressor.length_scale == (10.0,)
    rfp_md.train(frames, preset="fast", regressor="rfnn", progress=heard)
    assert any("'rfnn' chooses; --width N sets it" in line for line in heard.lines)


def test_a_width_is_that_of_the_whole_model(ethanol):
    frames = Dataset((ethanol[:30],))
    assert rfp_md.train(frames, width=61).record["widths"] == [31, 30]
    with pytest.raises(UserError, match="--width 1: is less than a feature for each of the 2 terms"):
        rfp_md.train(frames, width=1)


@pytest.mark.parametrize(
    "other",
    [
        {"regressor": "random_fourier:width=50"},
        {"descriptor": ["inverse_distances:width=50"]},
        {"time_budget": "5min"},
        {"preset": "reference"},
    ],
)
def test_two_widths_are_not_told_apart(other, ethanol):
    with pytest.raises(UserError, match="width"):
        rfp_md.train(Dataset((ethanol[:30],)), width=61, **other)


def test_a_model_starts_from_the_isolated_atom_that_its_data_begin_with():
    atom, pairs = labelled([8], 1, 0), labelled([8, 1, 1], 20, 1)
    potential = rfp_md.train(Dataset((atom, pairs)), descriptor=[SMALL], regressor="random_fourier:width=20")
    assert potential.reference.n_atoms == 3
